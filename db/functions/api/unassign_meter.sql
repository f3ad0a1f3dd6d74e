-- Security definer: the caller ends ownership of meters of their own tenant and writes nothing else.
create function api.unassign_meter(meter_id text, at timestamptz default now()) returns api.meter_ownerships
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    meter integer;
    ended grid.meter_ownership;
    answer api.meter_ownerships;
begin
    select m.meter_id into meter from auth.visible_meter as m where m.code = $1;
    if not found then
        perform grid.refuse_unknown_meter($1);
    end if;
    if $2 is null or not isfinite($2) then
        raise sqlstate 'PT422' using
            message = 'at is not a time', hint = 'Send a time with a zone, or leave it out for now.';
    end if;
    ended := grid.unassign_meter(auth.tenant_id(), meter, $2);
    select m.code, r.code, u.user_id, u.email, u.name, lower(ended.period), upper(ended.period)
    into answer
    from grid.meter as m
    join grid.region as r on r.region_id = m.region_id
    join auth.user_account as u on u.user_id = ended.user_id
    where m.meter_id = meter;
    return answer;
end;
$$;
revoke all on function api.unassign_meter(text, timestamptz) from public;
grant execute on function api.unassign_meter(text, timestamptz) to admin;
comment on function api.unassign_meter(text, timestamptz) is
$$End the ownership of a meter

Its owner at a time (left out: now) owns it until then, and keeps seeing what it measured before. An ownership that
would last no time is removed. 404: no such meter; 409: nobody owns it then.$$;
