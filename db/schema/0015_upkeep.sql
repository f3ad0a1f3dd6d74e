-- migrate:up
set local role segs_owner;

create table grid.retention (
    name text primary key,
    keep interval check (keep > interval '0'),
    dropped_before timestamptz,
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
alter table grid.retention enable row level security;
comment on table grid.retention is
'How long things are kept; applied by grid.apply_retention(). A null keep means for ever.';
comment on column grid.retention.keep is
'Age at which rows go. Readings and rollups are never kept shorter than a late reading may be old '
'(ingest.limits.max_age).';
comment on column grid.retention.dropped_before is
'Some of what is older has been dropped. What a late reading is summed with is newer: see ingest.limits_keep_sums.';
reset role;

-- The schema is segs_cron's; its table belongs to the owner of all tables.
grant create on schema upkeep to segs_owner;
set local role segs_owner;
create table upkeep.job (
    name text primary key,
    schedule text not null,
    command text not null,
    scheduled_at timestamptz not null
);
alter table upkeep.job enable row level security;
comment on table upkeep.job is 'The jobs that the last deploy scheduled, to schedule them again without one.';
comment on column upkeep.job.scheduled_at is 'When it was scheduled last: until it has run, its age counts from then.';
reset role;
revoke create on schema upkeep from segs_owner;

-- migrate:down
set local role segs_owner;
drop table upkeep.job;
drop table grid.retention;
reset role;
