create function grid.restate_late_windows(at timestamptz default now(), max_windows integer default 20)
returns integer
language plpgsql
set work_mem = '128MB'
as $$
declare
    late_start timestamptz := '-infinity'::timestamptz;
    late_tenant integer;
    failed integer[] := '{}'::integer[];
    summed integer := 0;
    restated integer := 0;
begin
    if not pg_try_advisory_xact_lock('grid.window_progress'::regclass::oid::bigint) then
        return 0; -- windows are being closed elsewhere
    end if;
    while summed < max_windows loop
        -- From window to window by index: after an outage the log is long.
        select min(l.window_start) into late_start from grid.late_window as l where l.window_start > late_start;
        exit when late_start is null;
        for late_tenant in
            -- what came late for a window that is sealed but not yet closed will be in its first sums
            select distinct m.tenant_id
            from grid.late_window as l
            join grid.meter as m using (meter_id)
            join grid.window_progress as p using (tenant_id)
            where l.window_start = late_start and p.closed_until > late_start and m.tenant_id <> all (failed)
            order by m.tenant_id
        loop
            begin
                restated := restated + (grid.restate_tenant_window(late_tenant, late_start, at) > 0)::integer;
                summed := summed + 1;
            exception when others then
                -- As in closing: one tenant's trouble is not the others', and is tried again next time.
                failed := failed || late_tenant;
                raise warning 'window % of tenant % is not restated: %', late_start, late_tenant, sqlerrm;
            end;
        end loop;
    end loop;
    return restated;
end;
$$;

comment on function grid.restate_late_windows(timestamptz, integer) is
'Adds a revision of the loads that late readings changed, oldest window first, max_windows of them. A tenant whose '
'window fails waits, with a warning. Returns how many windows were restated.';
