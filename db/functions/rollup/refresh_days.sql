create procedure rollup.refresh_days(sealed grid.window_progress[], max_days integer default 40)
language plpgsql
as $$
begin
    -- A few at a time where years are to be stored: the rollups shall not wait for that.
    for day in 1..max_days loop
        exit when not pg_try_advisory_xact_lock('rollup.day_progress'::regclass::oid::bigint);
        exit when not rollup.store_days(sealed);
        commit;
    end loop;
    loop
        exit when not pg_try_advisory_xact_lock('rollup.day_progress'::regclass::oid::bigint);
        exit when rollup.restate_days() = 0;
        commit;
    end loop;
    commit;
end;
$$;

comment on procedure rollup.refresh_days (grid.window_progress [], integer) is
'The days'' part of rollup.refresh(): sealed is what grid.window_progress said before the rollups were refreshed.';
