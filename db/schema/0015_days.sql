-- migrate:up
set local role segs_owner;

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
);
select public.create_hypertable(
    'rollup.store_day', 'day', chunk_time_interval => interval '90 days', create_default_indexes => false
);
alter table rollup.store_day set (autovacuum_vacuum_insert_scale_factor = 0.05);
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
alter table rollup.late_day enable row level security;
comment on table rollup.late_day is
'Which meters changed in which windows of days that were over; emptied by rollup.refresh(). See grid.log_late_windows.';
reset role;

-- migrate:down
set local role segs_owner;
drop table rollup.late_day;
drop table rollup.day_progress;
drop table rollup.store_day;
reset role;
