-- migrate:up
set local role segs_owner;

create table ingest.limits (
    singleton boolean primary key default true check (singleton),
    -- what a reading may claim
    max_ahead interval not null default '5 minutes',
    max_age interval not null default '35 days',
    max_energy bigint not null default 10000000000,
    min_spacing interval not null default '1 second' check (min_spacing >= interval '0'),
    max_read_count integer not null default 5,
    -- when a door counts as absent
    absent_after interval not null default '1 minute' check (absent_after > interval '0'),
    -- how long closing a window waits
    window_grace interval not null default '90 seconds' check (window_grace >= interval '0'),
    idle_after interval not null default '2 minutes' check (idle_after > interval '0'),
    live_lag interval not null default '1 hour' check (live_lag > interval '0'),
    live_step interval not null default '20 minutes' check (live_step > interval '0'),
    backlog_wait interval not null default '5 minutes' check (backlog_wait >= interval '0'),
    backlog_limit interval not null default '1 hour' check (backlog_limit >= interval '0'),
    absence_limit interval not null default '1 day' check (absence_limit >= interval '0')
);
insert into ingest.limits default values;
alter table ingest.limits enable row level security;
comment on table ingest.limits is 'One row: what a reading may claim, and how long closing a window waits.';
comment on column ingest.limits.max_energy is 'Largest absolute energy of one reading, mWh.';
comment on column ingest.limits.min_spacing is
'Two readings of a meter are not closer to each other in time. 0 where meters send more often.';
comment on column ingest.limits.max_read_count is
'Deliveries of one queue message before it goes to the dead-letter queue.';
comment on column ingest.limits.absent_after is 'A door that has not been seen for this long is absent.';
comment on column ingest.limits.window_grace is
'How long after its end a window stays open. A reading is stamped with the start of its interval, so meters that send '
'every minute need a minute and some seconds.';
comment on column ingest.limits.idle_after is
'While a tenant catches up, its windows wait for its readings, unless nothing at all has arrived for this long.';
comment on column ingest.limits.live_lag is
'A tenant whose newest reading is older than this is catching up; its windows wait for its readings.';
comment on column ingest.limits.live_step is
'A tenant whose newest reading has moved on by more than this within idle_after is catching up too. '
'More than one interval of its slowest meters.';
comment on column ingest.limits.backlog_wait is
'How long after an absence windows of that time wait for the readings that meters kept; after a short one no longer '
'than it was.';
comment on column ingest.limits.backlog_limit is
'How long after an absence they wait at most, while such readings still come.';
comment on column ingest.limits.absence_limit is
'How long windows wait at most for a door that does not come back, while the database is there.';

create policy limits_for_ingest on ingest.limits for select to segs_ingest using (true);
grant select on ingest.limits to segs_ingest;

create table ingest.batch (
    batch_id bigint generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    received_at timestamptz not null default now(),
    source text not null check (source in ('http', 'queue', 'replay')),
    accepted integer not null,
    duplicates integer not null,
    rejected integer not null,
    first_ts timestamptz,
    last_ts timestamptz
);
create index batch_tenant on ingest.batch (tenant_id, received_at);
-- how far a tenant's readings have come, now and a moment ago (grid.catching_up)
create index batch_progress on ingest.batch (tenant_id, last_ts) include (received_at);
alter table ingest.batch enable row level security;
comment on table ingest.batch is
'One row a tenant and committed write: what came in, and how far in time the tenant''s readings have come.';

-- The ingest worker writes for every tenant.
create policy batch_for_ingest on ingest.batch to segs_ingest using (true) with check (true);
grant insert (tenant_id, source, accepted, duplicates, rejected, first_ts, last_ts) on ingest.batch to segs_ingest;

-- The ingest worker writes here by ingest.keep_refused alone.
create table ingest.quarantine (
    quarantine_id bigint generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    received_at timestamptz not null default now(),
    source text not null check (source in ('http', 'queue')),
    code text not null,
    message text not null,
    reading jsonb not null,
    stamped text not null default 'start' check (stamped in ('start', 'end')),
    fingerprint uuid not null default gen_random_uuid(),
    replayed_at timestamptz,
    constraint quarantine_once unique (tenant_id, fingerprint)
);
create index quarantine_tenant on ingest.quarantine (tenant_id, received_at);
alter table ingest.quarantine enable row level security;
comment on table ingest.quarantine is
'Readings that were refused, kept for an operator to inspect and replay.';
comment on column ingest.quarantine.stamped is
'Whether its timestamp is the start or the end of its interval: replay reads it as it was sent.';
comment on column ingest.quarantine.fingerprint is
'Of meter, time and energy (ingest.fingerprint): the same reading is kept once, however often it comes.';

create policy quarantine_of_caller on ingest.quarantine for select to segs_api
using (tenant_id = (select auth.tenant_id()) and (select auth.sees_tenant()));
grant select on ingest.quarantine to segs_api;

create table ingest.presence (
    door text primary key check (door in ('http', 'queue')),
    seen_at timestamptz not null
);
alter table ingest.presence enable row level security;
comment on table ingest.presence is
'When readings could last be received: over HTTP (the ingest worker says so), from the queue (the jobs of pg_cron do). '
'See ingest.beat.';

create table ingest.absence (
    door text not null references ingest.presence,
    period tstzrange not null check (not isempty(period) and not lower_inf(period) and not upper_inf(period)),
    exclude using gist (door with =, period with &&)
);
alter table ingest.absence enable row level security;
comment on table ingest.absence is
'Times in which no reading could be received by a door: the platform was away, not the meters. Kept as long as a '
'reading may come late.';

create type ingest.judgement as (
    place bigint, tenant_id integer, reading jsonb, meter_id integer, ts timestamptz, energy bigint,
    voltage real, current real, code text, message text
);
comment on type ingest.judgement is
'A reading that came in: its place among the others, its row if it is good, or why it is refused.';

select pgmq.create('raw_readings');
select pgmq.create('raw_readings_dead');
reset role;

-- migrate:down
set local role segs_owner;
select pgmq.drop_queue('raw_readings_dead');
select pgmq.drop_queue('raw_readings');
drop type ingest.judgement;
drop table ingest.absence;
drop table ingest.presence;
drop table ingest.quarantine;
drop table ingest.batch;
drop table ingest.limits;
reset role;
