create procedure rollup.refresh(at timestamptz default now())
language plpgsql
as $$
declare
    d rollup.definition;
begin
    if rollup.driver() = 'continuous_aggregate' then
        call rollup.refresh_continuous_aggregates(at);
        return;
    end if;

    perform rollup.advance(at);
    commit;
    for d in select * from rollup.definition order by width loop
        loop
            -- Two at once would only wait for one another.
            if not pg_try_advisory_xact_lock('rollup.definition'::regclass::oid::bigint) then
                rollback;
                return;
            end if;
            exit when not rollup.materialise(d.name);
            commit;
        end loop;
        loop
            exit when not pg_try_advisory_xact_lock('rollup.definition'::regclass::oid::bigint);
            exit when rollup.recompute(d.name) = 0;
            commit;
        end loop;
        commit;
    end loop;
end;
$$;

comment on procedure rollup.refresh (timestamptz) is
'Brings every rollup up to date with all readings of buckets closed at a moment. Costs what changed, not what '
'is stored.';
