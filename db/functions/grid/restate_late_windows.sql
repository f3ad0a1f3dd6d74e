create function grid.restate_late_windows(
    at timestamptz default null, max_windows integer default 20, max_time interval default null
) returns integer
language plpgsql
set work_mem = '128MB'
as $$
declare
    started constant timestamptz := clock_timestamp();
    late record;
    failed integer[] := '{}'::integer[];
    summed integer := 0;
begin
    if not pg_try_advisory_xact_lock('grid.window_progress'::regclass::oid::bigint) then
        return 0; -- windows are being closed elsewhere
    end if;
    while summed < max_windows loop
        -- The newest and the oldest in turn: a back-fill of weeks does not keep what is a minute late waiting, nor the
        -- other way round. What came late for a window that is not closed yet will be in its first sums.
        select p.tenant_id, l.window_start into late
        from grid.window_progress as p
        cross join lateral (
            select case when summed % 2 = 0 then max(o.window_start) else min(o.window_start) end as window_start
            from grid.late_window as o
            where o.tenant_id = p.tenant_id and o.window_start < p.closed_until
        ) as l
        where l.window_start is not null and p.tenant_id <> all (failed)
        order by case when summed % 2 = 0 then l.window_start end desc, l.window_start, p.tenant_id
        limit 1;
        exit when not found or clock_timestamp() > started + max_time;

        begin
            perform grid.restate_tenant_window(late.tenant_id, late.window_start, coalesce(at, clock_timestamp()));
            summed := summed + 1;
        exception when others then
            -- As in closing: one tenant's trouble is not the others', and is tried again next time.
            failed := failed || late.tenant_id;
            raise warning 'window % of tenant % is not restated: %', late.window_start, late.tenant_id, sqlerrm;
        end;
    end loop;
    return summed;
end;
$$;

comment on function grid.restate_late_windows(timestamptz, integer, interval) is
'Adds a revision of the loads that late readings changed, at most max_windows, and none that would begin after '
'max_time. A tenant whose window fails waits, with a warning. Returns how many windows it summed, changed or not.';
