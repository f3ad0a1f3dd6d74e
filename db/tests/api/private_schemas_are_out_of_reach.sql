begin;
select plan(9);
select tap.make_tenant('acme');
select tap.read('acme', 'M-1', now(), 1);
create temp table roles as
select unnest(array['anon', 'consumer', 'operator', 'admin', 'platform_admin', 'device', 'authenticator']) as role;

-- What TimescaleDB and PostgreSQL show everybody is metadata of theirs; chunks and rollup stores are not.
create temp view private as
select c.oid, c.relkind
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    and (
        n.nspname in (
            'grid', 'ingest', 'rollup', 'tariff', 'alert', 'event', 'auth', 'notify', 'upkeep', 'deploy', 'pgmq'
        )
        or n.nspname = '_timescaledb_internal' and c.relname ~ '^(_|compress_)'
    );

select ok((select count(*) from private) > 40, 'there is something to protect');
select isnt_empty(
    $$ select from private where oid::regclass::text like '\_timescaledb\_internal.\_hyper\_%' $$, 'chunks among it'
);
select is_empty(
    $$
    select p.oid::regclass, r.role, o.operation
    from private as p, roles as r,
        unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as o (operation)
    where p.relkind <> 'S' and has_table_privilege(r.role, p.oid, o.operation)
    $$,
    'no API role has a right on a private table, view, chunk or queue'
);
select is_empty(
    $$
    select p.oid::regclass, r.role
    from private as p, roles as r, unnest(array['select', 'insert', 'update', 'references']) as o (operation)
    where p.relkind <> 'S' and has_any_column_privilege(r.role, p.oid, o.operation)
    $$,
    'nor on a column of one'
);
select is_empty(
    $$
    select p.oid::regclass, r.role from private as p, roles as r
    where p.relkind = 'S' and has_sequence_privilege(r.role, p.oid, 'usage, select, update')
    $$,
    'nor on a sequence'
);
select set_eq(
    $$
    select n.nspname::text, r.role
    from pg_namespace as n, roles as r
    where n.nspname in (
        'grid', 'ingest', 'rollup', 'tariff', 'alert', 'event', 'auth', 'notify', 'upkeep', 'deploy', 'pgmq', 'api'
    ) and has_schema_privilege(r.role, n.oid, 'usage')
    $$,
    $$
    select s, r from unnest(array['api', 'auth']) as s,
        unnest(array['anon', 'consumer', 'operator', 'admin', 'platform_admin', 'device']) as r
    $$,
    'API roles may name things in schemas api and auth alone'
);
select is_empty(
    $$
    select n.nspname, r.role from pg_namespace as n, roles as r
    where n.nspname !~ '^pg_(temp|toast_temp)' and has_schema_privilege(r.role, n.oid, 'create')
    $$,
    'and create nothing anywhere'
);
select set_eq(
    $$
    select distinct p.oid::regprocedure::text
    from pg_proc as p, roles as r
    where
        p.pronamespace::regnamespace::text
        in ('grid', 'ingest', 'rollup', 'tariff', 'alert', 'event', 'auth', 'notify', 'upkeep', 'pgmq')
      and has_function_privilege(r.role, p.oid, 'execute')
    $$,
    $$
    values
        ('alert.own_alerts()'),
        ('auth.said(text)'),
        ('auth.check_request()'), ('auth.claims()'), ('auth.tenant_id()'), ('auth.user_id()'), ('auth.sees_tenant()'),
        ('auth.noted(text)'), ('auth.find_tenant_id()'), ('auth.find_user_id()'), ('auth.own_meter_ids()'),
        ('auth.own_region_ids()'), ('event.cursor(xid8,bigint)'), ('grid.day_start(date,text)')
    $$,
    'of private functions they execute only the request check and what policies and views ask'
);
select is_empty(
    $$
    select c.oid::regclass from pg_class as c
    where c.relnamespace::regnamespace::text in ('grid', 'ingest', 'rollup', 'tariff', 'alert', 'event', 'auth', 'upkeep')
      and c.relkind = 'r' and not c.relrowsecurity
      and not exists (
          select from timescaledb_information.hypertables as h
          where format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass = c.oid
      )
    $$,
    'every ordinary table has row-level security'
);
select * from finish();
rollback;
