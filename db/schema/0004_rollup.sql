-- migrate:up
set local role segs_owner;

-- Defining a rollup is one row here and one relation rollup.reading_<name>, which the block below makes for the
-- edition it finds. Everything above schema rollup reads those relations and calls rollup.refresh(); it cannot
-- tell the drivers apart.
create table rollup.definition (
    name text primary key check (name ~ '^[0-9]+[mhd]$'),
    width interval not null unique check (width > interval '0'),
    source text references rollup.definition,
    lag interval not null check (lag >= interval '0'),
    threshold timestamptz not null default '-infinity',
    materialised_until timestamptz not null default '-infinity' check (materialised_until <= threshold)
);
insert into rollup.definition (name, width, source, lag) values
('1m', '1 minute', null, '2 minutes'),
('15m', '15 minutes', '1m', '2 minutes'),
('1h', '1 hour', '15m', '2 minutes');
comment on table rollup.definition is
'The rollups, finest first: each is summed from its source (null: from grid.reading).';
comment on column rollup.definition.width is
'Width of a bucket; a reading belongs to the bucket that time_bucket(width, ts) names.';
comment on column rollup.definition.lag is
'How long a bucket is left to the live part of the view after its end, so that ordinary delays are not late.';
comment on column rollup.definition.threshold is
'Incremental driver: readings before it are logged in rollup.late by the insert trigger; it never moves back.';
comment on column rollup.definition.materialised_until is
'Incremental driver: the view reads the store before it, and sums its source from it on.';
grant select on rollup.definition to segs_api;

create table rollup.late (
    name text not null references rollup.definition,
    meter_id integer not null,
    bucket timestamptz not null
);
create index late_name on rollup.late (name, bucket);
comment on table rollup.late is
'Incremental driver: which meters changed in which already materialised buckets; emptied by rollup.refresh().';

do $$
declare
    d rollup.definition;
    view_source text;
    sums text;
begin
    for d in select * from rollup.definition order by width loop
        if d.source is null then
            view_source := 'grid.reading';
            sums := 'count(*) as readings, sum(energy)::bigint as energy, '
                'min(energy) as energy_min, max(energy) as energy_max';
        else
            view_source := 'rollup.reading_' || d.source;
            sums := 'sum(readings)::bigint as readings, sum(energy)::bigint as energy, '
                'min(energy_min) as energy_min, max(energy_max) as energy_max';
        end if;

        if current_setting('timescaledb.license') = 'timescale' then
            -- Driver A: a hierarchical real-time continuous aggregate.
            execute format(
                'create materialized view rollup.reading_%1$s '
                'with (timescaledb.continuous, timescaledb.materialized_only = false) as '
                'select public.time_bucket(%2$L::interval, %3$I) as bucket, meter_id, %4$s from %5$s group by 1, 2 '
                'with no data',
                d.name, d.width, case when d.source is null then 'ts' else 'bucket' end, sums, view_source
            );
        else
            -- Driver B: a store, and a view of the store with the not yet materialised tail.
            execute format(
                'create table rollup.store_%1$s ('
                'bucket timestamptz not null, meter_id integer not null, readings bigint not null, '
                'energy bigint not null, energy_min bigint not null, energy_max bigint not null, '
                'primary key (meter_id, bucket))',
                d.name
            );
            perform public.create_hypertable(
                format('rollup.store_%s', d.name)::regclass, 'bucket',
                chunk_time_interval => greatest(interval '1 day', d.width * 672), create_default_indexes => false
            );
            -- Rows arrive in bucket order, so a BRIN index finds a range of buckets at next to no cost.
            execute format(
                'create index store_%1$s_bucket on rollup.store_%1$s using brin (bucket) '
                'with (pages_per_range = 32, autosummarize = on)', d.name
            );
            execute format(
                'comment on table rollup.store_%1$s is '
                '''The materialised part of rollup.reading_%1$s; energies in mWh. Written by rollup.refresh() alone.''',
                d.name
            );
            execute format(
                'create view rollup.reading_%1$s as '
                'select bucket, meter_id, readings, energy, energy_min, energy_max from rollup.store_%1$s '
                'where bucket < (select materialised_until from rollup.definition where name = %1$L) '
                'union all '
                'select public.time_bucket(%2$L::interval, %3$I) as bucket, meter_id, %4$s from %5$s '
                'where %3$I >= (select materialised_until from rollup.definition where name = %1$L) group by 1, 2',
                d.name, d.width, case when d.source is null then 'ts' else 'bucket' end, sums, view_source
            );
        end if;

        execute format(
            'comment on view rollup.reading_%1$s is '
            '''migration: readings per meter in %1$s buckets (energies in mWh), not yet materialised ones too.''',
            d.name
        );
        execute format('grant select on rollup.reading_%s to segs_api', d.name);
    end loop;
end;
$$;

create table grid.retention (
    name text primary key,
    keep interval check (keep > interval '0'),
    comment text not null
);
insert into grid.retention (name, keep, comment) values
('readings', '90 days', 'grid.reading'),
('readings_1m', '90 days', 'rollup.reading_1m'),
('readings_15m', '3 years', 'rollup.reading_15m'),
('readings_1h', '10 years', 'rollup.reading_1h'),
('events', '7 days', 'event.log: how long a client may stay away and still resume'),
('batches', '7 days', 'ingest.batch'),
('quarantine', '90 days', 'ingest.quarantine'),
('queue_archives', '7 days', 'archived messages of every queue'),
('job_history', '1 day', 'cron.job_run_details');
comment on table grid.retention is
'How long things are kept; applied by grid.apply_retention(). A null keep means for ever.';
comment on column grid.retention.keep is
'Age at which rows go. Readings and rollups are never kept shorter than a late reading may be old '
'(ingest.limits.max_age).';
reset role;

-- migrate:down
set local role segs_owner;
drop table grid.retention;
do $$
declare
    d rollup.definition;
begin
    for d in select * from rollup.definition order by width desc loop
        if to_regclass('rollup.store_' || d.name) is null then
            execute format('drop materialized view rollup.reading_%s', d.name);
        else
            execute format('drop view rollup.reading_%s', d.name);
            execute format('drop table rollup.store_%s', d.name);
        end if;
    end loop;
end;
$$;
drop table rollup.late;
drop table rollup.definition;
reset role;
