-- Security definer: the caller assigns meters of their own tenant and writes nothing else.
create function api.assign_meter(
    meter_id text, owner text, since timestamptz default now(), until timestamptz default null
) returns api.meter_ownerships
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    meter integer;
    answer api.meter_ownerships;
begin
    select m.meter_id into meter from auth.visible_meter as m where m.code = $1;
    if not found then
        perform grid.refuse_unknown_meter($1);
    end if;
    if $3 is null or not isfinite($3) or coalesce($3 >= $4 or not isfinite($4), false) then
        raise sqlstate 'PT422' using
            message = 'since and until are not a period',
            hint = 'Send since (left out: now) and, if it ends, a later until, as times with a zone.';
    end if;
    perform grid.assign_meter(auth.tenant_id(), meter, $2, $3, $4);
    select o.* into answer from api.meter_ownerships as o where o.meter_id = $1 and o.owned_from = $3;
    return answer;
end;
$$;
revoke all on function api.assign_meter(text, text, timestamptz, timestamptz) from public;
grant execute on function api.assign_meter(text, text, timestamptz, timestamptz) to admin;
comment on function api.assign_meter(text, text, timestamptz, timestamptz) is
$$Assign a meter

Makes a user, named by address or user_id, the owner of a meter since a time (left out: now), until a time or until further
notice. They see what the meter measures in that time. 404: no such meter or user; 409: someone owns it in that time; 422:
not a period.$$;
