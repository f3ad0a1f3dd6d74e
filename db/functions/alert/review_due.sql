create function alert.review_due(
    at timestamptz default null, max_pieces integer default 1000, max_time interval default null
) returns integer
language plpgsql
as $$
declare
    started constant timestamptz := clock_timestamp();
    p alert.due;
    failed integer[] := '{}'::integer[];
    reviewed integer := 0;
begin
    -- In the order in which they were put off: so under the lock under which they are.
    if not pg_try_advisory_xact_lock('grid.window_progress'::regclass::oid::bigint) then
        return 0;
    end if;
    while reviewed < max_pieces loop
        -- What is new before what came late.
        select d.* into p
        from alert.due as d
        where d.tenant_id <> all (failed)
        order by d.window_start desc, d.due_id
        limit 1;
        exit when not found or clock_timestamp() > started + max_time;

        begin
            perform alert.judge_again(p.tenant_id, p.window_start, p.totals, coalesce(at, clock_timestamp()));
            delete from alert.due as d where d.due_id = p.due_id;
            reviewed := reviewed + 1;
        exception when others then
            -- As in closing: one tenant's trouble is not the others', and is tried again next time.
            failed := failed || p.tenant_id;
            raise warning 'meters of window % of tenant % are not judged: %', p.window_start, p.tenant_id, sqlerrm;
        end;
    end loop;
    return reviewed;
end;
$$;
revoke all on function alert.review_due(timestamptz, integer, interval) from public;
comment on function alert.review_due(timestamptz, integer, interval) is
'Judges the meters that alert.put_off left, piece by piece: at most max_pieces, and none that would begin after '
'max_time. Returns how many pieces.';
