create function grid.close_sealed_windows(at timestamptz default now(), max_windows integer default 1000)
returns integer
language plpgsql
as $$
declare
    p grid.window_progress;
    closed integer := 0;
    failed integer[] := '{}'::integer[];
begin
    if not pg_try_advisory_xact_lock('grid.window_progress'::regclass::oid::bigint) then
        return 0; -- windows are being closed elsewhere
    end if;
    while closed < max_windows loop
        -- Oldest first; but a tenant that back-fills weeks does not keep the live ones waiting.
        select o.* into p
        from grid.window_progress as o
        cross join ingest.limits as l
        where o.closed_until < o.sealed_until and o.tenant_id <> all (failed)
        order by o.closed_until < at - l.live_lag, o.closed_until, o.tenant_id
        limit 1;
        exit when not found;

        begin
            perform grid.close_window(p.tenant_id, p.closed_until, at);
            update grid.window_progress as o
            set closed_until = p.closed_until + interval '15 minutes'
            where o.tenant_id = p.tenant_id;
            closed := closed + 1;
        exception when others then
            -- One tenant's trouble is not the others': their windows go on, and this one is tried again next time.
            failed := failed || p.tenant_id;
            raise warning 'window % of tenant % is not closed: %', p.closed_until, p.tenant_id, sqlerrm;
        end;
    end loop;
    return closed;
end;
$$;

comment on function grid.close_sealed_windows(timestamptz, integer) is
'Closing, step 2: closes sealed windows, oldest first (live tenants before those far behind), at most max_windows. '
'A tenant whose window fails waits, with a warning. Returns how many.';
