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
alter table rollup.definition enable row level security;
comment on table rollup.definition is
'The rollups, finest first: each is summed from its source (null: from grid.reading).';
comment on column rollup.definition.width is
'Width of a bucket; a reading belongs to the bucket that time_bucket(width, ts) names.';
comment on column rollup.definition.lag is
'How long a bucket is left to the live part of the view after its end, so that ordinary delays are not late.';
comment on column rollup.definition.threshold is
'Readings before it are logged in rollup.late by the insert trigger; it never moves back.';
comment on column rollup.definition.materialised_until is
'Everything before it is in the store, but what rollup.late says; incremental driver: the view reads the store before '
'it, and sums the readings from it on.';
grant select on rollup.definition to segs_api;

-- Both drivers log what comes below the threshold, and what it added, for every rollup; what reads a rollup reads the
-- log with it. So a reading is in its rollups with the commit that stores it. See decision 0008.
create table rollup.late (
    name text not null, -- no foreign key: inserts shall not wait for a refresh that holds its row
    meter_id integer not null,
    bucket timestamptz not null,
    readings bigint not null check (readings > 0),
    energy bigint not null,
    energy_min bigint not null,
    energy_max bigint not null,
    taken boolean not null default false
);
create index late_name on rollup.late (name, bucket);
create index late_meter on rollup.late (name, meter_id, bucket);
alter table rollup.late enable row level security;
comment on table rollup.late is
'What late readings added to which meters and buckets of a rollup, and is not in its store yet; emptied by '
'rollup.refresh().';
comment on column rollup.late.readings is 'How many readings one insert added.';
comment on column rollup.late.energy is 'Their energy, mWh.';
comment on column rollup.late.taken is
'Continuous aggregates: a refresh that may not have ended is at it. What comes meanwhile is not.';

do $$
declare
    d rollup.definition;
    -- Looked up once: mostly nothing is late, and a scan keeps its order and its index.
    not_late constant text :=
        '(not (select exists (select from rollup.late as l where l.name = %1$L)) or not exists ('
        'select from rollup.late as l where l.name = %1$L and l.meter_id = s.meter_id and l.bucket = s.bucket))';
begin
    -- A continuous aggregate's chunks are ten times as long as those of what it is made of when it is made.
    perform public.set_chunk_time_interval('grid.reading', interval '1 day');
    for d in select * from rollup.definition order by width loop
        if current_setting('timescaledb.license') = 'timescale' then
            -- Driver A: a hierarchical real-time continuous aggregate.
            execute format(
                'create materialized view rollup.aggregate_%1$s '
                'with (timescaledb.continuous, timescaledb.materialized_only = false) as '
                'select public.time_bucket(%2$L::interval, %3$I) as bucket, meter_id, %4$s from %5$s group by 1, 2 '
                'with no data',
                d.name, d.width, case when d.source is null then 'ts' else 'bucket' end,
                case when d.source is null
                    then 'count(*) as readings, sum(energy)::bigint as energy, '
                        'min(energy) as energy_min, max(energy) as energy_max'
                    else 'sum(readings)::bigint as readings, sum(energy)::bigint as energy, '
                        'min(energy_min) as energy_min, max(energy_max) as energy_max'
                end,
                coalesce('rollup.aggregate_' || d.source, 'grid.reading')
            );
            execute format(
                'comment on view rollup.aggregate_%1$s is '
                '''migration: the continuous aggregate of rollup.reading_%1$s.''', d.name
            );
            -- What is late is summed from the readings: the aggregate may have it or not.
            execute format(
                'create view rollup.reading_%1$s as '
                'select s.bucket, s.meter_id, s.readings, s.energy, s.energy_min, s.energy_max '
                'from rollup.aggregate_%1$s as s where ' || not_late ||
                ' union all '
                'select l.bucket, l.meter_id, n.readings, n.energy, n.energy_min, n.energy_max '
                'from (select distinct x.bucket, x.meter_id from rollup.late as x where x.name = %1$L) as l '
                'cross join lateral ('
                'select count(*) as readings, sum(r.energy)::bigint as energy, min(r.energy) as energy_min, '
                'max(r.energy) as energy_max from grid.reading as r where r.meter_id = l.meter_id '
                'and r.ts >= l.bucket and r.ts < l.bucket + %2$L::interval having count(*) > 0) as n',
                d.name, d.width
            );
        else
            -- Driver B: a store, and a view of the store with what is late and the not yet materialised tail.
            -- A store's rows lie in order of time: those of one meter's month are spread over as many pages
            -- as there are
            -- buckets. The key holds the sums too, so that a meter's buckets are read from a few pages of the index
            -- alone. Only pages that vacuum has seen can be left unread, so it looks in as soon as a twentieth of a
            -- chunk is new.
            execute format(
                'create table rollup.store_%1$s ('
                'bucket timestamptz not null, meter_id integer not null, readings bigint not null, '
                'energy bigint not null, energy_min bigint not null, energy_max bigint not null, '
                'primary key (meter_id, bucket) include (readings, energy, energy_min, energy_max)) '
                'with (autovacuum_vacuum_insert_scale_factor = 0.05)',
                d.name
            );
            -- A dozen chunks of what is kept (decision 0012).
            perform public.create_hypertable(
                format('rollup.store_%s', d.name)::regclass, 'bucket',
                chunk_time_interval => case d.name
                    when '1m' then interval '7 days' when '15m' then interval '112 days' else interval '364 days'
                end,
                create_default_indexes => false
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
            -- What is not in the store yet is summed from the readings at once, not through the finer rollups.
            execute format(
                'create view rollup.reading_%1$s as '
                'select s.bucket, s.meter_id, s.readings, s.energy, s.energy_min, s.energy_max '
                'from rollup.store_%1$s as s '
                'where s.bucket < (select materialised_until from rollup.definition where name = %1$L) and ' || not_late ||
                ' union all '
                'select l.bucket, l.meter_id, l.readings + coalesce(s.readings, 0), l.energy + coalesce(s.energy, 0), '
                'least(l.energy_min, s.energy_min), greatest(l.energy_max, s.energy_max) '
                'from (select x.bucket, x.meter_id, sum(x.readings)::bigint as readings, '
                'sum(x.energy)::bigint as energy, min(x.energy_min) as energy_min, max(x.energy_max) as energy_max '
                'from rollup.late as x where x.name = %1$L '
                'and x.bucket < (select materialised_until from rollup.definition where name = %1$L) '
                'group by x.bucket, x.meter_id) as l '
                'left join rollup.store_%1$s as s on s.meter_id = l.meter_id and s.bucket = l.bucket '
                'union all '
                'select public.time_bucket(%2$L::interval, ts) as bucket, meter_id, count(*) as readings, '
                'sum(energy)::bigint as energy, min(energy) as energy_min, max(energy) as energy_max from grid.reading '
                'where ts >= (select materialised_until from rollup.definition where name = %1$L) group by 1, 2',
                d.name, d.width
            );
        end if;

        execute format(
            'comment on view rollup.reading_%1$s is '
            '''migration: readings per meter in %1$s buckets (energies in mWh), complete: not yet materialised and late '
            'ones too.''', d.name
        );
        execute format('grant select on rollup.reading_%s to segs_api', d.name);
    end loop;
    perform public.set_chunk_time_interval('grid.reading', interval '7 days');
end;
$$;

-- Days are counted in a tenant's time zone, so no rollup of equal buckets holds them. Both drivers keep them here.
create table rollup.store_day (
    day date not null,
    meter_id integer not null,
    readings bigint not null check (readings > 0),
    energy bigint not null,
    energy_peak bigint not null,
    first_bucket timestamptz not null,
    last_bucket timestamptz not null check (last_bucket >= first_bucket),
    -- As in the other stores the key holds the sums: a meter's month is one page of it.
    primary key (meter_id, day) include (readings, energy, energy_peak, first_bucket, last_bucket)
) with (autovacuum_vacuum_insert_scale_factor = 0.05);
select public.create_hypertable(
    'rollup.store_day', 'day', chunk_time_interval => interval '90 days', create_default_indexes => false
);
comment on table rollup.store_day is
'Finished days of meters, in the time zone of rollup.day_progress; energies in mWh. Written by rollup.refresh() alone.';
comment on column rollup.store_day.energy_peak is 'Energy of its 15 minutes with the most.';
comment on column rollup.store_day.first_bucket is 'Start of the first 15 minutes with readings in it.';
comment on column rollup.store_day.last_bucket is 'Start of the last 15 minutes with readings in it.';

create table rollup.day_progress (
    tenant_id integer primary key references grid.tenant,
    time_zone text not null,
    stored_from date not null,
    stored_until date not null check (stored_until >= stored_from),
    begins_at timestamptz not null,
    ends_at timestamptz not null check (ends_at >= begins_at)
);
alter table rollup.day_progress enable row level security;
comment on table rollup.day_progress is
'Which days of a tenant are in rollup.store_day. When the tenant counts its days in another time zone now, none are: '
'they are stored again.';
comment on column rollup.day_progress.time_zone is 'The zone they were counted in.';
comment on column rollup.day_progress.stored_from is 'First of them.';
comment on column rollup.day_progress.stored_until is 'The day after the last of them.';
comment on column rollup.day_progress.begins_at is 'First instant of stored_from.';
comment on column rollup.day_progress.ends_at is 'First instant of stored_until.';

create table rollup.late_day (
    meter_id integer not null,
    window_start timestamptz not null
);
create index late_day_meter on rollup.late_day (meter_id);
alter table rollup.late_day enable row level security;
comment on table rollup.late_day is
'Which meters changed in which windows of days that were over; emptied by rollup.refresh(). See grid.log_late_windows.';
reset role;

-- migrate:down
set local role segs_owner;
drop table rollup.late_day;
drop table rollup.day_progress;
drop table rollup.store_day;
do $$
declare
    d rollup.definition;
begin
    for d in select * from rollup.definition order by width desc loop
        execute format('drop view rollup.reading_%s', d.name);
        if to_regclass('rollup.store_' || d.name) is null then
            execute format('drop materialized view rollup.aggregate_%s', d.name);
        else
            execute format('drop table rollup.store_%s', d.name);
        end if;
    end loop;
end;
$$;
drop table rollup.late;
drop table rollup.definition;
reset role;
