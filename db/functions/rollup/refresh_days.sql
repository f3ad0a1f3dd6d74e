create procedure rollup.refresh_days(ends timestamptz)
language plpgsql
as $$
begin
    loop
        exit when not pg_try_advisory_xact_lock('rollup.day_progress'::regclass::oid::bigint);
        exit when not rollup.store_days();
        commit;
        exit when clock_timestamp() >= ends;
    end loop;
    commit;
    loop
        exit when not pg_try_advisory_xact_lock('rollup.day_progress'::regclass::oid::bigint);
        exit when rollup.restate_days() = 0;
        commit;
        exit when clock_timestamp() >= ends;
    end loop;
    commit;
end;
$$;

comment on procedure rollup.refresh_days (timestamptz) is
'The days'' part of rollup.refresh(): a step of each kind at least, others until ends has passed.';
