create function rollup.begin_days() returns boolean
language plpgsql
set lock_timeout = '2s'
as $$
declare
    oldest timestamptz;
begin
    if not pg_try_advisory_xact_lock('rollup.day_progress'::regclass::oid::bigint) then
        return false;
    end if;
    if not exists (
        select from grid.window_progress as w
        where not exists (select from rollup.day_progress as p where p.tenant_id = w.tenant_id)
    ) then
        return false;
    end if;
    select min(c.range_start) into oldest
    from timescaledb_information.chunks as c
    where (c.hypertable_schema, c.hypertable_name) = ('grid', 'reading')
       or (c.hypertable_schema, c.hypertable_name) = ('rollup', 'store_15m')
       or (c.hypertable_schema, c.hypertable_name) in (
           select a.materialization_hypertable_schema, a.materialization_hypertable_name
           from timescaledb_information.continuous_aggregates as a
           where a.view_schema = 'rollup' and a.view_name = 'aggregate_15m'
       );
    -- Waits for the inserts in flight: they looked at a time zone that may have been changed since. See
    -- grid.log_late_windows.
    begin
        perform pg_advisory_xact_lock('grid.reading'::regclass::oid::bigint);
    exception when lock_not_available then
        return false;
    end;

    insert into rollup.day_progress (tenant_id, time_zone, stored_from, stored_until, begins_at, ends_at)
    select t.tenant_id, t.time_zone, f.day, f.day, s.day_start, s.day_start
    from grid.window_progress as w
    join grid.tenant as t using (tenant_id)
    cross join ingest.limits as l
    -- The oldest that is kept; but of a tenant that joined lately nothing is older than what it may send.
    cross join lateral (
        select (greatest(oldest, t.created_at - l.max_age) at time zone t.time_zone)::date as day
    ) as f
    cross join lateral grid.day_start(f.day, t.time_zone) as s (day_start)
    where not exists (select from rollup.day_progress as p where p.tenant_id = t.tenant_id);
    return found;
end;
$$;

comment on function rollup.begin_days() is
'Days, step 2, in a short transaction of its own before the rollups are refreshed: from when on the days of tenants '
'that have none yet are to be stored. Whether there were any.';
