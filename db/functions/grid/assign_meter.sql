-- Security definer: segs_api, which calls it for an administrator's own tenant, may read ownership but not write it.
create function grid.assign_meter(
    tenant_id integer, meter_id integer, owner text, since timestamptz, until timestamptz
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    other text;
begin
    -- One change of a meter's owners at a time: two that overlap would else wait for each other.
    perform from grid.meter as m where m.tenant_id = $1 and m.meter_id = $2 for no key update;
    insert into grid.meter_ownership (meter_id, tenant_id, user_id, period)
    values ($2, $1, grid.find_owner($1, $3), tstzrange($4, $5, '[)'));
exception when exclusion_violation or unique_violation then
    select format('%s owns it from %s until %s', u.email, lower(o.period),
        coalesce(upper(o.period)::text, 'further notice'))
    into other
    from grid.meter_ownership as o
    join auth.user_account as u on u.user_id = o.user_id
    where o.meter_id = $2 and o.tenant_id = $1 and o.period && tstzrange($4, $5, '[)')
    order by o.period
    limit 1;
    raise sqlstate 'PT409' using
        message = 'The meter has another owner in that time',
        detail = coalesce(other, 'It was assigned a moment ago.'),
        hint = 'End that ownership first (rpc/unassign_meter), or assign the meter from when it ends.';
end;
$$;
revoke all on function grid.assign_meter(integer, integer, text, timestamptz, timestamptz) from public;
grant execute on function grid.assign_meter(integer, integer, text, timestamptz, timestamptz) to segs_api;
comment on function grid.assign_meter(integer, integer, text, timestamptz, timestamptz) is
'Makes an account, by address or id, a meter''s owner for a time (until null: until further notice). PT404: no such '
'account; PT409: someone owns it in that time.';
