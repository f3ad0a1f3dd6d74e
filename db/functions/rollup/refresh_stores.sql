create procedure rollup.refresh_stores(at timestamptz, inout complete boolean)
language plpgsql
as $$
declare
    d rollup.definition;
begin
    complete := false;
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
            if not pg_try_advisory_xact_lock('rollup.definition'::regclass::oid::bigint) then
                rollback;
                return;
            end if;
            exit when rollup.recompute(d.name) = 0;
            commit;
        end loop;
        commit;
    end loop;
    complete := true;
end;
$$;

comment on procedure rollup.refresh_stores (timestamptz, boolean) is
'The incremental driver''s part of rollup.refresh(). complete: whether it came to the end; not where the same is done '
'elsewhere.';
