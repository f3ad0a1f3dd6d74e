-- Security definer: segs_api, which calls it for an administrator's own tenant, may read ownership but not write it.
create function grid.unassign_meter(tenant_id integer, meter_id integer, at timestamptz)
returns grid.meter_ownership
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    held grid.meter_ownership;
begin
    select o.* into held
    from grid.meter_ownership as o
    where o.tenant_id = $1 and o.meter_id = $2 and o.period @> $3
    for update;
    if not found then
        raise sqlstate 'PT409' using
            message = 'Nobody owns the meter at that time',
            hint = 'GET /meter_ownerships shows who owns it when.';
    end if;
    if lower(held.period) = $3 then
        delete from grid.meter_ownership as o where o.meter_id = $2 and o.period = held.period;
    else
        update grid.meter_ownership as o
        set period = tstzrange(lower(held.period), $3, '[)')
        where o.meter_id = $2 and o.period = held.period;
    end if;
    held.period := tstzrange(lower(held.period), $3, '[]');
    return held;
end;
$$;
revoke all on function grid.unassign_meter(integer, integer, timestamptz) from public;
grant execute on function grid.unassign_meter(integer, integer, timestamptz) to segs_api;
comment on function grid.unassign_meter(integer, integer, timestamptz) is
'Ends the ownership that holds at a time, then; one that would last no time is removed. Returns what is left of it, '
'with both bounds inclusive. PT409: nobody owns the meter then.';
