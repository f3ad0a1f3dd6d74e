create function grid.restate_late_windows(at timestamptz default now(), max_windows integer default 20)
returns integer
language plpgsql
set work_mem = '128MB'
as $$
declare
    w record;
    restated integer := 0;
    added integer;
begin
    if not pg_try_advisory_xact_lock('grid.window_progress'::regclass::oid::bigint) then
        return 0; -- windows are being closed elsewhere
    end if;
    -- Late readings of a window that is sealed but not yet closed wait in the log until it is.
    for w in
        select m.tenant_id, l.window_start, array_agg(distinct l.meter_id) as meters
        from grid.late_window as l
        join grid.meter as m using (meter_id)
        join grid.window_progress as p on p.tenant_id = m.tenant_id and l.window_start < p.closed_until
        group by m.tenant_id, l.window_start
        order by l.window_start, m.tenant_id
        limit max_windows
    loop
        -- The entries go first: the sums below are taken from a later snapshot, which has their readings.
        delete from grid.late_window as l where l.window_start = w.window_start and l.meter_id = any (w.meters);
        added := grid.restate_window(w.tenant_id, w.window_start, at);
        restated := restated + (added > 0)::integer;
    end loop;
    return restated;
end;
$$;

comment on function grid.restate_late_windows(timestamptz, integer) is
'Adds a revision of the loads that late readings changed, oldest window first. Returns how many windows were restated.';
