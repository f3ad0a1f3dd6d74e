-- Roles and extensions. Both belong to the cluster rather than to one schema version, so this file is
-- idempotent, runs before the migrations at every deploy, and is never rolled back.
--
-- Role model (docs/explanation/security.md):
--   segs_owner     owns every private table and function; nobody logs in as it
--   segs_api       owns everything in schema api; subject to row-level security like any stranger
--   segs_cron      runs the pg_cron jobs; has no password, so only the server itself can be it
--   authenticator  PostgREST's login; owns nothing, inherits nothing, becomes one of those below
--   anon, consumer, operator, admin, platform_admin, device     what a token may claim
--   segs_ingest, segs_relay, segs_auth, segs_notifier           one login a worker, with the least it needs
do $$
declare
    wanted text;
begin
    foreach wanted in array array[
        'segs_owner', 'segs_api', 'segs_cron', 'authenticator', 'segs_ingest', 'segs_relay',
        'segs_auth', 'segs_notifier',
        'anon', 'consumer', 'operator', 'admin', 'platform_admin', 'device'
    ] loop
        begin
            if to_regrole(wanted) is null then
                execute format('create role %I nologin', wanted);
            end if;
        exception when duplicate_object or unique_violation then
            null; -- another database of this cluster is being deployed at the same moment
        end;
    end loop;
end;
$$;

alter role segs_cron login inherit;
alter role authenticator login noinherit;
alter role segs_ingest login;
alter role segs_relay login;
alter role segs_auth login;
alter role segs_notifier login;

grant anon to authenticator;
grant consumer to authenticator;
grant operator to authenticator;
grant admin to authenticator;
grant platform_admin to authenticator;
grant device to authenticator;
grant segs_owner to segs_cron;
grant segs_owner to current_user;
grant segs_api to current_user;

-- PostgREST applies the settings of the role it becomes (impersonated role settings).
alter role anon set statement_timeout to '3s';
alter role consumer set statement_timeout to '5s';
alter role operator set statement_timeout to '15s';
alter role admin set statement_timeout to '15s';
alter role platform_admin set statement_timeout to '15s';
alter role device set statement_timeout to '5s';
-- Many small requests share the processors; none of them is worth starting another process for.
alter role authenticator set max_parallel_workers_per_gather to 0;
-- Its plans are kept, with every chunk in them. To leave some out when such a plan starts, TimescaleDB reads the check
-- constraints of all: that takes longer than looking a meter up in the index of each (docs/decisions/0012).
alter role authenticator set "timescaledb.enable_chunk_append" to off;
alter role authenticator set "timescaledb.enable_constraint_aware_append" to off;
alter role segs_ingest set statement_timeout to '30s';
alter role segs_ingest set idle_in_transaction_session_timeout to '15s';
alter role segs_relay set statement_timeout to '15s';
alter role segs_relay set idle_in_transaction_session_timeout to '15s';
alter role segs_auth set statement_timeout to '10s';
alter role segs_auth set idle_in_transaction_session_timeout to '15s';
alter role segs_notifier set statement_timeout to '15s';
alter role segs_notifier set idle_in_transaction_session_timeout to '15s';

create extension if not exists timescaledb;
create extension if not exists btree_gist;

do $$
begin
    -- pg_cron lives in one database of a cluster; elsewhere (tests, clones) the jobs are called by hand.
    if current_database() = current_setting('cron.database_name', true)
       and exists (select 1 from pg_available_extensions where name = 'pg_cron') then
        create extension if not exists pg_cron;
        grant usage on schema cron to segs_cron;
    end if;
end;
$$;
revoke create on schema public from public;
