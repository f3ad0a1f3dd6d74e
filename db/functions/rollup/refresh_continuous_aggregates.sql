-- Always by force: what TimescaleDB itself knows of changes is not complete. See rollup.log_late.
create procedure rollup.refresh_continuous_aggregates(ends timestamptz)
language plpgsql
as $$
declare
    d rollup.definition;
    next record;
    busy boolean;
begin
    loop
        busy := false;
        for d in select * from rollup.definition order by width loop
            select * into next from rollup.next_buckets(d.name);
            if next.until is not null then
                busy := true;
                call rollup.refresh_range(d.name, next.since, next.until);
                perform rollup.mark_materialised(d.name, next.until);
            end if;
            commit;
            select * into next from rollup.next_late(d.name);
            commit;
            if next.until is not null then
                busy := true;
                call rollup.refresh_range(d.name, next.since, next.until);
                delete from rollup.late as l
                where l.name = d.name and l.bucket >= next.since and l.bucket < next.until and l.taken;
                commit;
            end if;
        end loop;
        exit when not busy or clock_timestamp() >= ends;
    end loop;
end;
$$;

comment on procedure rollup.refresh_continuous_aggregates (timestamptz) is
'The continuous aggregate driver''s part of rollup.refresh(): round after round, each a step of every rollup, until '
'nothing is left or ends has passed.';
