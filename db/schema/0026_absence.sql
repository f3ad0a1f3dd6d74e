-- migrate:up
set local role segs_owner;

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

alter table ingest.limits
add column absent_after interval not null default '1 minute' check (absent_after > interval '0'),
add column backlog_wait interval not null default '5 minutes' check (backlog_wait >= interval '0'),
add column backlog_limit interval not null default '1 hour' check (backlog_limit >= interval '0'),
add column absence_limit interval not null default '1 day' check (absence_limit >= interval '0');
comment on column ingest.limits.absent_after is 'A door that has not been seen for this long is absent.';
comment on column ingest.limits.backlog_wait is
'How long after an absence windows of that time wait for the readings that meters kept; after a short one no longer '
'than it was.';
comment on column ingest.limits.backlog_limit is
'How long after an absence they wait at most, while such readings still come.';
comment on column ingest.limits.absence_limit is
'How long windows wait at most for a door that does not come back, while the database is there.';
reset role;

-- migrate:down
set local role segs_owner;
alter table ingest.limits
drop column absent_after,
drop column backlog_wait,
drop column backlog_limit,
drop column absence_limit;
drop table ingest.absence;
drop table ingest.presence;
reset role;
