-- migrate:up
set local role segs_owner;

-- Both drivers log what comes below the threshold, and what it added, for every rollup; what reads a rollup reads the
-- log with it. So a reading is in its rollups with the commit that stores it. See decision 0020.
drop table rollup.late;
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
alter table rollup.late enable row level security;
create index late_name on rollup.late (name, bucket);
create index late_meter on rollup.late (name, meter_id, bucket);
comment on table rollup.late is
'What late readings added to which meters and buckets of a rollup, and is not in its store yet; emptied by '
'rollup.refresh().';
comment on column rollup.late.readings is 'How many readings one insert added.';
comment on column rollup.late.energy is 'Their energy, mWh.';
comment on column rollup.late.taken is
'Continuous aggregates: a refresh that may not have ended is at it. What comes meanwhile is not.';
comment on column rollup.definition.threshold is
'Readings before it are logged in rollup.late by the insert trigger; it never moves back.';
comment on column rollup.definition.materialised_until is
'Everything before it is in the store, but what rollup.late says; incremental driver: the view reads the store before '
'it, and sums the readings from it on.';

create index late_day_meter on rollup.late_day (meter_id);

alter table grid.retention add column dropped_before timestamptz;
comment on column grid.retention.dropped_before is
'Some of what is older has been dropped. What a late reading is summed with is newer: see ingest.limits_keep_sums.';

do $$
declare
    d rollup.definition;
    -- Looked up once: mostly nothing is late, and a scan keeps its order and its index.
    not_late constant text :=
        '(not (select exists (select from rollup.late as l where l.name = %1$L)) or not exists ('
        'select from rollup.late as l where l.name = %1$L and l.meter_id = s.meter_id and l.bucket = s.bucket))';
begin
    for d in select * from rollup.definition order by width loop
        if to_regclass('rollup.store_1m') is null then
            execute format('alter materialized view rollup.reading_%1$s rename to aggregate_%1$s', d.name);
            execute format('revoke all on rollup.aggregate_%s from segs_api', d.name);
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
            execute format('grant select on rollup.reading_%s to segs_api', d.name);
        else
            execute format(
                'create or replace view rollup.reading_%1$s as '
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
    for d in select * from rollup.definition order by width loop
        if to_regclass('rollup.store_1m') is null then
            execute format('drop view rollup.reading_%s', d.name);
            execute format('alter materialized view rollup.aggregate_%1$s rename to reading_%1$s', d.name);
            execute format('grant select on rollup.reading_%s to segs_api', d.name);
        else
            execute format(
                'create or replace view rollup.reading_%1$s as '
                'select bucket, meter_id, readings, energy, energy_min, energy_max from rollup.store_%1$s '
                'where bucket < (select materialised_until from rollup.definition where name = %1$L) '
                'union all '
                'select public.time_bucket(%2$L::interval, ts) as bucket, meter_id, count(*) as readings, '
                'sum(energy)::bigint as energy, min(energy) as energy_min, max(energy) as energy_max from grid.reading '
                'where ts >= (select materialised_until from rollup.definition where name = %1$L) group by 1, 2',
                d.name, d.width
            );
        end if;
        execute format(
            'comment on view rollup.reading_%1$s is '
            '''migration: readings per meter in %1$s buckets (energies in mWh), not yet materialised ones too.''',
            d.name
        );
    end loop;
end;
$$;
alter table grid.retention drop column dropped_before;
drop index rollup.late_day_meter;
comment on column rollup.definition.threshold is
'Incremental driver: readings before it are logged in rollup.late by the insert trigger; it never moves back.';
comment on column rollup.definition.materialised_until is
'Incremental driver: the view reads the store before it, and sums its source from it on.';
drop table rollup.late;
create table rollup.late (
    name text not null references rollup.definition,
    meter_id integer not null,
    bucket timestamptz not null
);
alter table rollup.late enable row level security;
create index late_name on rollup.late (name, bucket);
comment on table rollup.late is
'Incremental driver: which meters changed in which already materialised buckets; emptied by rollup.refresh().';
reset role;
