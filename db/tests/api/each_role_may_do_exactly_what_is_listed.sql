-- The whole surface of the API. A new view or function of schema api must be listed here with who may use it.
begin;
select plan(6);

create temp table roles as
select
    unnest(array[
        'anon', 'consumer', 'operator', 'admin', 'platform_admin', 'device', 'authenticator',
        'segs_ingest', 'segs_relay', 'segs_auth', 'segs_notifier'
    ]) as role;

create temp table listed_view (name text, roles text[]);
insert into listed_view values
('alert_rules', '{consumer,operator,admin}'),
('alert_thresholds', '{consumer,operator,admin}'),
('alerts', '{consumer,operator,admin}'),
('current_tariffs', '{consumer,operator,admin}'),
('data_quality', '{operator,admin}'),
('devices', '{admin}'),
('events', '{consumer,operator,admin}'),
('late_readings', '{operator,admin}'),
('latest_readings', '{consumer,operator,admin}'),
('meter_ownerships', '{operator,admin}'),
('meters', '{consumer,operator,admin}'),
('open_alerts', '{consumer,operator,admin}'),
('preferences', '{consumer,operator,admin}'),
('quarantined_readings', '{operator,admin}'),
('readings', '{consumer,operator,admin}'),
('readings_15m', '{consumer,operator,admin}'),
('readings_1h', '{consumer,operator,admin}'),
('readings_1m', '{consumer,operator,admin}'),
('readings_daily', '{consumer,operator,admin}'),
('readings_monthly', '{consumer,operator,admin}'),
('region_loads', '{operator,admin}'),
('regions', '{consumer,operator,admin}'),
('tariff_plans', '{consumer,operator,admin}'),
('tariffs', '{consumer,operator,admin}'),
('tenant_settings', '{consumer,operator,admin}'),
('tenants', '{platform_admin}'),
('users', '{operator,admin}');

create temp table listed_function (name text, roles text[]);
insert into listed_function values
('acknowledge_alert(bigint)', '{consumer,operator,admin}'),
('alert_summary(timestamp with time zone)', '{consumer,operator,admin}'),
('assign_meter(text,text,timestamp with time zone,timestamp with time zone)', '{admin}'),
('change_role(uuid,text)', '{admin}'),
('create_device_token(text,text[],text)', '{admin}'),
(
    'create_tariff_plan(text,numeric,text,timestamp with time zone,timestamp with time zone,numeric,numeric)',
    '{operator,admin}'
),
('create_tenant(text,text,text,text,text,text)', '{platform_admin}'),
('deactivate_user(uuid)', '{admin}'),
('delete_user(uuid)', '{admin}'),
('end_tariff_plan(text,timestamp with time zone)', '{operator,admin}'),
('estimate_bill(numeric,text,timestamp with time zone)', '{consumer,operator,admin}'),
('estimate_running_bill(text,timestamp with time zone)', '{consumer,operator,admin}'),
('events_after(text,integer)', '{consumer,operator,admin}'),
('publish_prices(text,jsonb)', '{operator,admin}'),
('reactivate_user(uuid)', '{admin}'),
('reading_statistics(text,timestamp with time zone,timestamp with time zone)', '{consumer,operator,admin}'),
('register_meters(jsonb)', '{operator,admin}'),
('replay_quarantined(bigint[])', '{operator,admin}'),
('resolve_alert(bigint)', '{consumer,operator,admin}'),
('revoke_device_token(uuid)', '{admin}'),
('set_preferences(jsonb)', '{consumer,operator,admin}'),
('set_threshold(text,numeric)', '{consumer,operator,admin}'),
('unassign_meter(text,timestamp with time zone)', '{admin}'),
('update_meter(text,text,text,boolean,timestamp with time zone,numeric)', '{operator,admin}'),
('update_tenant_settings(text,text,text,integer,numeric,text)', '{admin}');

select set_eq(
    $$ select relname::text from pg_class where relnamespace = 'api'::regnamespace and relkind not in ('i', 'c') $$,
    $$ select name from listed_view $$,
    'the views of schema api are those listed'
);
select set_eq(
    $$ select replace(oid::regprocedure::text, 'api.', '') from pg_proc where pronamespace = 'api'::regnamespace $$,
    $$ select name from listed_function $$,
    'the functions of schema api are those listed'
);
select set_eq(
    $$
    select c.relname::text, r.role, o.operation
    from pg_class as c, roles as r,
        unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as o (operation)
    where c.relnamespace = 'api'::regnamespace and c.relkind = 'v' and has_table_privilege(r.role, c.oid, o.operation)
    $$,
    $$ select name, unnest(roles), 'select' from listed_view $$,
    'each role may read exactly the views listed for it, and write none'
);
select is_empty(
    $$
    select c.relname, r.role
    from pg_class as c, roles as r, unnest(array['insert', 'update', 'references']) as o (operation)
    where c.relnamespace = 'api'::regnamespace and c.relkind = 'v'
      and has_any_column_privilege(r.role, c.oid, o.operation)
    $$,
    'nor a column of one'
);
select set_eq(
    $$
    select replace(p.oid::regprocedure::text, 'api.', ''), r.role
    from pg_proc as p, roles as r
    where p.pronamespace = 'api'::regnamespace and has_function_privilege(r.role, p.oid, 'execute')
    $$,
    $$ select name, unnest(roles) from listed_function $$,
    'each role may call exactly the functions listed for it'
);
select is_empty(
    $$
    select c.oid::regclass, a.attname
    from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = 'api'::regnamespace
      and a.attname ~ '_id$'
      and (a.atttypid = 'integer'::regtype or a.attname = 'meter_id' and a.atttypid <> 'text'::regtype)
    $$,
    'no view shows an internal key'
);
select * from finish();
rollback;
