-- migrate:up
set local role segs_owner;

-- A store's rows lie in order of time: those of one meter's month are spread over as many pages as there are buckets.
-- The key holds the sums too, so that a meter's buckets are read from a few pages of the index alone. Only pages that
-- vacuum has seen can be left unread, so it looks in as soon as a twentieth of a chunk is new. (On a database with data
-- this builds the keys again, and nobody reads rollups meanwhile: about a minute for 30 million buckets.)
do $$
declare
    d rollup.definition;
begin
    if to_regclass('rollup.store_1m') is null then -- continuous aggregates: see rollup.driver()
        return;
    end if;
    for d in select * from rollup.definition loop
        execute format('alter table rollup.store_%1$s drop constraint store_%1$s_pkey', d.name);
        execute format(
            'alter table rollup.store_%s add primary key (meter_id, bucket) '
            'include (readings, energy, energy_min, energy_max)', d.name
        );
        execute format(
            'alter table rollup.store_%s set (autovacuum_vacuum_insert_scale_factor = 0.05)', d.name
        );
    end loop;
end;
$$;
reset role;

-- migrate:down
set local role segs_owner;
do $$
declare
    d rollup.definition;
begin
    if to_regclass('rollup.store_1m') is null then -- continuous aggregates: see rollup.driver()
        return;
    end if;
    for d in select * from rollup.definition loop
        execute format('alter table rollup.store_%s reset (autovacuum_vacuum_insert_scale_factor)', d.name);
        execute format('alter table rollup.store_%1$s drop constraint store_%1$s_pkey', d.name);
        execute format('alter table rollup.store_%s add primary key (meter_id, bucket)', d.name);
    end loop;
end;
$$;
reset role;
