-- Callers are not told of these any more from the moment that the time zone was changed: see rollup.visible_day.
create function rollup.forget_days() returns boolean
language plpgsql
as $$
declare
    changed integer[];
begin
    if not pg_try_advisory_xact_lock('rollup.day_progress'::regclass::oid::bigint) then
        return false;
    end if;
    select array_agg(p.tenant_id) into changed
    from rollup.day_progress as p
    join grid.tenant as t using (tenant_id)
    where p.time_zone <> t.time_zone;
    if changed is null then
        return false;
    end if;
    delete from rollup.store_day as d
    using grid.meter as m
    where m.tenant_id = any (changed) and d.meter_id = m.meter_id;
    delete from rollup.day_progress as p where p.tenant_id = any (changed);
    return true;
end;
$$;

comment on function rollup.forget_days() is
'Days, step 1: removes those of tenants that count their days in another time zone now. Whether there were any.';
