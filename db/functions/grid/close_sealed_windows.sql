create function grid.close_sealed_windows(
    at timestamptz default null, max_windows integer default 1000, max_time interval default null
) returns integer
language plpgsql
as $$
declare
    started constant timestamptz := clock_timestamp();
    p grid.window_progress;
    next_window timestamptz;
    closed integer := 0;
    failed integer[] := '{}'::integer[];
begin
    if not pg_try_advisory_xact_lock('grid.window_progress'::regclass::oid::bigint) then
        return 0; -- windows are being closed elsewhere
    end if;
    while closed < max_windows loop
        -- A tenant's oldest; of the tenants, the one that is least behind: nobody's weeks keep another's window waiting.
        select o.* into p
        from grid.window_progress as o
        where o.closed_until < o.sealed_until and o.tenant_id <> all (failed)
        order by o.closed_until desc, o.tenant_id
        limit 1;
        exit when not found or clock_timestamp() > started + max_time;

        begin
            next_window := grid.empty_until(p.tenant_id, p.closed_until, p.sealed_until, coalesce(at, clock_timestamp()));
            if next_window = p.closed_until then
                perform grid.close_window(p.tenant_id, p.closed_until, coalesce(at, clock_timestamp()));
                next_window := p.closed_until + interval '15 minutes';
            end if;
            update grid.window_progress as o set closed_until = next_window where o.tenant_id = p.tenant_id;
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

comment on function grid.close_sealed_windows(timestamptz, integer, interval) is
'Closing, step 2: closes sealed windows, at most max_windows, and none that would begin after max_time. A tenant''s '
'oldest first, the tenant that is least behind before the others. A tenant whose window fails waits, with a warning. '
'Returns how many; a stretch that is passed over (grid.empty_until) counts as one.';
