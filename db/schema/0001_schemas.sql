-- migrate:up
create schema grid authorization segs_owner;
create schema ingest authorization segs_owner;
create schema rollup authorization segs_owner;
create schema tariff authorization segs_owner;
create schema alert authorization segs_owner;
create schema event authorization segs_owner;
create schema auth authorization segs_owner;
create schema notify authorization segs_owner;
-- Its functions belong to segs_cron: pg_cron shows a role its own jobs alone.
create schema upkeep authorization segs_cron;
create schema api authorization segs_api;

comment on schema grid is
'Tenants, regions, meters, readings and closed windows: what the grid is and what it measured.';
comment on schema ingest is 'The way in: limits, the batch log, quarantine and the raw_readings queue consumer.';
comment on schema rollup is
'Readings summed per meter in 1m, 15m and 1h buckets, by whichever driver the TimescaleDB edition allows.';
comment on schema tariff is 'Plans and the published price of every region and window.';
comment on schema alert is 'Detection rules and the alerts they raised.';
comment on schema event is 'The outbox: every change worth telling, in commit order.';
comment on schema auth is 'User accounts and the reading of token claims.';
comment on schema notify is 'What people are told by mail: the queue notifications, its delivery and its dead letters.';
comment on schema upkeep is 'What looks after the jobs, and what is to be said of the platform''s health.';
-- PostgREST shows this as the title and text of its OpenAPI description.
comment on schema api is
$$SEGS, smart energy grid platform

Meters, readings, loads, prices, alerts and events of the tenant in your token. Filters, ordering and pages are
PostgREST's: ?meter_id=eq.SIM-00001&order=bucket.desc&limit=96. Errors are {"code", "message", "details", "hint"}.$$;

-- PUBLIC executes nothing: each function grants what it means to grant, right under its definition.
alter default privileges for role segs_owner revoke execute on functions from public;
alter default privileges for role segs_cron revoke execute on functions from public;
alter default privileges for role segs_api revoke execute on functions from public;

grant usage on schema grid, ingest, rollup, tariff, alert, event, auth to segs_api;
grant usage on schema grid, ingest, auth, upkeep to segs_ingest;
grant usage on schema grid, event, auth to segs_relay;
grant usage on schema auth to segs_auth;
grant usage on schema notify to segs_notifier;
grant usage on schema upkeep to segs_owner;
grant usage on schema api to anon, consumer, operator, admin, platform_admin, device;
-- db-pre-request is called by the role of the token.
grant usage on schema auth to anon, consumer, operator, admin, platform_admin, device;

-- migrate:down
drop schema api cascade;
drop schema upkeep;
drop schema notify;
drop schema auth;
drop schema event;
drop schema alert;
drop schema tariff;
drop schema rollup;
drop schema ingest;
drop schema grid;
alter default privileges for role segs_owner grant execute on functions to public;
alter default privileges for role segs_cron grant execute on functions to public;
alter default privileges for role segs_api grant execute on functions to public;
