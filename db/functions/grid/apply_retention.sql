create procedure grid.apply_retention(at timestamptz default now())
language plpgsql
as $$
declare
    name text;
begin
    if not pg_try_advisory_xact_lock('grid.retention'::regclass::oid::bigint) then
        return;
    end if;
    perform grid.prepare_chunks(at);
    commit;
    perform grid.drop_old_readings(at);
    commit;
    for name in select d.name from rollup.definition as d order by d.width loop
        perform rollup.drop_old(name, at);
        commit;
    end loop;
    perform rollup.drop_old_days(at);
    commit;
    -- Rows go in steps, so that no transaction is long.
    while event.prune(grid.kept_since('events', at), 50000) > 0 loop
        commit;
    end loop;
    while ingest.prune(at) > 0 loop
        commit;
    end loop;
    while ingest.prune_archives(at) > 0 loop
        commit;
    end loop;
    perform grid.prune_job_history(at);
    commit;
end;
$$;

comment on procedure grid.apply_retention (timestamptz) is
'Removes everything that grid.retention says has been kept long enough, and makes room for tomorrow. Safe to run at '
'any time and twice at once.';
