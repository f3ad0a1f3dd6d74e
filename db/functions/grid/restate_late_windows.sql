create function grid.restate_late_windows(at timestamptz default now(), max_windows integer default 20)
returns integer
language plpgsql
set work_mem = '128MB'
as $$
declare
    late_start timestamptz := '-infinity'::timestamptz;
    late_tenant integer;
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
        -- The entries go first: the sums are taken from a later snapshot, which has their readings. Those of a window
        -- that is sealed but not yet closed wait until it is.
        for late_tenant in
            with taken as (
                delete from grid.late_window as l
                using grid.meter as m, grid.window_progress as p
                where l.window_start = late_start and m.meter_id = l.meter_id
                  and p.tenant_id = m.tenant_id and p.closed_until > late_start
                returning m.tenant_id
            )

            select distinct t.tenant_id from taken as t order by t.tenant_id
        loop
            restated := restated + (grid.restate_window(late_tenant, late_start, at) > 0)::integer;
            summed := summed + 1;
        end loop;
    end loop;
    return restated;
end;
$$;

comment on function grid.restate_late_windows(timestamptz, integer) is
'Adds a revision of the loads that late readings changed, oldest window first. Returns how many windows were restated.';
