create procedure rollup.refresh_stores(ends timestamptz)
language plpgsql
as $$
declare
    d rollup.definition;
    busy boolean;
begin
    loop
        busy := false;
        for d in select * from rollup.definition order by width loop
            -- Two at once would only wait for one another.
            if not pg_try_advisory_xact_lock('rollup.definition'::regclass::oid::bigint) then
                rollback;
                return;
            end if;
            busy := rollup.materialise(d.name) or busy;
            commit;
            if not pg_try_advisory_xact_lock('rollup.definition'::regclass::oid::bigint) then
                rollback;
                return;
            end if;
            busy := rollup.recompute(d.name) > 0 or busy;
            commit;
        end loop;
        exit when not busy or clock_timestamp() >= ends;
    end loop;
end;
$$;

comment on procedure rollup.refresh_stores (timestamptz) is
'The incremental driver''s part of rollup.refresh(): round after round, each a step of every rollup, until nothing is '
'left or ends has passed.';
