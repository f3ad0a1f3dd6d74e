-- migrate:up
-- What keeps the platform going, and says how it goes. Its functions belong to segs_cron: pg_cron shows a role its own
-- jobs alone.
create schema upkeep authorization segs_cron;
comment on schema upkeep is 'What looks after the jobs, and what is to be said of the platform''s health.';
alter default privileges for role segs_cron revoke execute on functions from public;
grant usage on schema upkeep to segs_owner, segs_ingest;
grant create on schema upkeep to segs_owner;

set local role segs_owner;
create table upkeep.job (
    name text primary key,
    schedule text not null,
    command text not null,
    scheduled_at timestamptz not null
);
comment on table upkeep.job is 'The jobs that the last deploy scheduled, to schedule them again without one.';
comment on column upkeep.job.scheduled_at is 'When it was scheduled last: until it has run, its age counts from then.';
alter table upkeep.job enable row level security;
reset role;
revoke create on schema upkeep from segs_owner;

-- migrate:down
drop schema upkeep cascade;
alter default privileges for role segs_cron grant execute on functions to public;
