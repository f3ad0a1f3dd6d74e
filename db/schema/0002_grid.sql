-- migrate:up
set local role segs_owner;

create table grid.tenant (
    tenant_id integer generated always as identity primary key,
    code text not null unique check (code ~ '^[a-z][a-z0-9-]{1,31}$'),
    name text not null check (length(name) between 1 and 200),
    time_zone text not null default 'UTC' check (now() at time zone time_zone is not null),
    currency char(3) not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz not null default now()
);
comment on table grid.tenant is 'A utility company. Every business row belongs to one.';
comment on column grid.tenant.time_zone is 'IANA zone in which the tenant counts days and months.';

create table grid.region (
    region_id integer generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    code text not null check (code ~ '^[a-z][a-z0-9-]{1,31}$'),
    name text not null check (length(name) between 1 and 200),
    unique (tenant_id, code),
    unique (tenant_id, region_id)
);
comment on table grid.region is 'A part of a tenant''s grid that is priced by its own load.';

create table auth.user_account (
    user_id uuid primary key default gen_random_uuid(),
    tenant_id integer not null references grid.tenant,
    email text not null check (email = lower(email) and length(email) between 3 and 254),
    name text not null check (length(name) between 1 and 200),
    role text not null default 'consumer' check (role in ('consumer', 'operator', 'admin')),
    created_at timestamptz not null default now(),
    disabled_at timestamptz,
    unique (tenant_id, email),
    unique (tenant_id, user_id)
);
comment on table auth.user_account is 'A person who may sign in. The token''s sub claim is user_id.';
comment on column auth.user_account.email is 'Lower case, unique within the tenant.';

create table grid.meter (
    meter_id integer generated always as identity primary key,
    tenant_id integer not null,
    region_id integer not null,
    code text not null check (code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
    kind text not null default 'one_way' check (kind in ('one_way', 'two_way')),
    installed_at timestamptz not null default now(),
    retired_at timestamptz check (retired_at > installed_at),
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    unique (tenant_id, code),
    unique (tenant_id, meter_id)
);
create index meter_region on grid.meter (region_id);
comment on table grid.meter is 'A smart meter. Its public name is code (meter_id in the API); meter_id is internal.';
comment on column grid.meter.kind is
'one_way: energy is only taken from the grid; two_way: it may also be fed in (negative readings).';

create table grid.meter_ownership (
    meter_id integer not null,
    tenant_id integer not null,
    user_id uuid not null,
    period tstzrange not null check (not isempty(period) and not lower_inf(period)),
    foreign key (tenant_id, meter_id) references grid.meter (tenant_id, meter_id),
    foreign key (tenant_id, user_id) references auth.user_account (tenant_id, user_id),
    primary key (meter_id, period),
    -- one owner at a time: a reading belongs to the one who owned the meter when it was taken
    exclude using gist (meter_id with =, period with &&)
);
create index meter_ownership_user on grid.meter_ownership (user_id);
comment on table grid.meter_ownership is 'Who owned a meter, and when.';

create table grid.reading (
    ts timestamptz not null,
    meter_id integer not null,
    energy bigint not null check (energy between -10000000000 and 10000000000),
    voltage real check (voltage between 0 and 1000000),
    current real check (current between -100000 and 100000),
    quality smallint not null default 0 check (quality between 0 and 3),
    received_at timestamptz not null default now(),
    unique (meter_id, ts)
);
select public.create_hypertable(
    'grid.reading', 'ts', chunk_time_interval => interval '1 day', create_default_indexes => false
);
create index reading_ts on grid.reading (ts);
comment on table grid.reading is
'What meters measured: immutable facts. A retry cannot count twice (unique meter_id, ts).';
comment on column grid.reading.ts is
'Start of the interval measured; the reading counts in the bucket and window that hold it.';
comment on column grid.reading.energy is
'Energy of the interval in milliwatt-hours (1 kWh = 1,000,000 mWh); negative is fed in.';
comment on column grid.reading.voltage is 'Mean voltage of the interval, V.';
comment on column grid.reading.current is 'Mean current of the interval, A.';
comment on column grid.reading.quality is '0 measured, 1 estimated, 2 substituted, 3 corrected.';

create table grid.window_progress (
    tenant_id integer primary key references grid.tenant,
    sealed_until timestamptz not null,
    closed_until timestamptz not null check (closed_until <= sealed_until)
);
comment on table grid.window_progress is
'How far each tenant''s windows are closed. Readings before sealed_until are late and are logged for restatement.';

create table grid.late_window (
    meter_id integer not null,
    window_start timestamptz not null,
    logged_at timestamptz not null default now()
);
comment on table grid.late_window is
'Meter and window that a late reading changed after the window was sealed; emptied by restatement.';

create table grid.region_load (
    tenant_id integer not null,
    region_id integer not null,
    window_start timestamptz not null,
    revision integer not null default 1 check (revision >= 1),
    energy bigint not null,
    meters integer not null check (meters >= 0),
    readings bigint not null check (readings >= 0),
    closed_at timestamptz not null default now(),
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    primary key (region_id, window_start, revision)
);
create index region_load_tenant on grid.region_load (tenant_id, window_start);
comment on table grid.region_load is
'Energy of a region in a closed 15-minute window. A late reading adds a revision; none is ever changed.';
comment on column grid.region_load.energy is 'Sum over the region''s meters, mWh.';
comment on column grid.region_load.meters is 'Meters that sent at least one reading in the window.';

create type grid.window_total as (meter_id integer, region_id integer, readings bigint, energy bigint);
comment on type grid.window_total is 'What one meter sent in one window: number of readings, and their energy in mWh.';

create table ingest.limits (
    singleton boolean primary key default true check (singleton),
    max_ahead interval not null default '5 minutes',
    max_age interval not null default '35 days',
    max_energy bigint not null default 10000000000,
    max_read_count integer not null default 5,
    window_grace interval not null default '90 seconds' check (window_grace >= interval '0'),
    idle_after interval not null default '2 minutes' check (idle_after > interval '0'),
    live_lag interval not null default '1 hour' check (live_lag > interval '0'),
    live_step interval not null default '20 minutes' check (live_step > interval '0')
);
insert into ingest.limits default values;
comment on table ingest.limits is 'One row: what a reading may claim, and how long closing a window waits.';
comment on column ingest.limits.max_energy is 'Largest absolute energy of one reading, mWh.';
comment on column ingest.limits.max_read_count is
'Deliveries of one queue message before it goes to the dead-letter queue.';
comment on column ingest.limits.window_grace is
'How long after its end a window stays open. A reading is stamped with the start of its interval, so meters that send '
'every minute need a minute and some seconds.';
comment on column ingest.limits.live_lag is
'A tenant whose newest reading is older than this is catching up; its windows wait for its readings.';
comment on column ingest.limits.live_step is
'A tenant whose newest reading has moved on by more than this within idle_after is catching up too. '
'More than one interval of its slowest meters.';
comment on column ingest.limits.idle_after is
'While a tenant catches up, its windows wait for its readings, unless nothing at all has arrived for this long.';

create table ingest.batch (
    batch_id bigint generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    received_at timestamptz not null default now(),
    source text not null check (source in ('http', 'queue')),
    accepted integer not null,
    duplicates integer not null,
    rejected integer not null,
    first_ts timestamptz,
    last_ts timestamptz
);
create index batch_tenant on ingest.batch (tenant_id, received_at);
-- how far a tenant's readings have come, now and a moment ago (grid.catching_up)
create index batch_progress on ingest.batch (tenant_id, last_ts) include (received_at);
comment on table ingest.batch is
'One row a tenant and committed write: what came in, and how far in time the tenant''s readings have come.';

create table ingest.quarantine (
    quarantine_id bigint generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    received_at timestamptz not null default now(),
    source text not null check (source in ('http', 'queue')),
    code text not null,
    message text not null,
    reading jsonb not null,
    replayed_at timestamptz
);
create index quarantine_tenant on ingest.quarantine (tenant_id, received_at);
comment on table ingest.quarantine is
'Readings of known shape that were refused, kept for an operator to inspect and replay.';

-- The ingest worker appends; it reads back only what ON CONFLICT and RETURNING need.
grant insert (ts, meter_id, energy, voltage, current, quality) on grid.reading to segs_ingest;
grant select (ts, meter_id) on grid.reading to segs_ingest;
grant select on ingest.limits to segs_ingest;
grant insert (tenant_id, source, accepted, duplicates, rejected, first_ts, last_ts) on ingest.batch to segs_ingest;
grant insert (tenant_id, source, code, message, reading) on ingest.quarantine to segs_ingest;
reset role;

-- migrate:down
set local role segs_owner;
drop table ingest.quarantine;
drop table ingest.batch;
drop table ingest.limits;
drop type grid.window_total;
drop table grid.region_load;
drop table grid.late_window;
drop table grid.window_progress;
drop table grid.reading;
drop table grid.meter_ownership;
drop table grid.meter;
drop table auth.user_account;
drop table grid.region;
drop table grid.tenant;
reset role;
