-- migrate:up
-- Who sees which row. segs_api owns the views and functions of schema api; views run as their owner, and segs_api owns
-- no private table, so these policies hold for anyone who calls. Callers are told apart by their token's claims.
-- Hypertables and rollups can have no policies (and chunks would not inherit them): their views in api filter by
-- auth.visible_meter instead.
set local role segs_owner;

-- Ownership ends where the next begins: two owners never share an instant, and views may take the bounds as they are.
alter table grid.meter_ownership
add constraint meter_ownership_half_open check (lower_inc(period) and not upper_inc(period));
alter table alert.rule add constraint rule_threshold_not_negative check (threshold >= 0);
-- Room for counting a repeat on the same page: the exclusion index is then left alone.
alter table alert.alert set (fillfactor = 50);

-- The functions that policies call stand here rather than in db/functions, where every deploy drops and remakes them.
-- Policies call each as (select f()): once a query, not once a row.
create function auth.claims() returns jsonb
language sql stable parallel safe
as $$
    -- PostgREST leaves the setting absent or empty when a request has no token.
    select coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}'::jsonb)
$$;
grant execute on function auth.claims() to segs_api, anon, consumer, operator, admin, device;
comment on function auth.claims() is
'migration: The claims of the request''s token; an empty object when there is none.';

-- Security definer: policies of grid.tenant ask it, and callers may not read that table.
create function auth.tenant_id() returns integer
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
    select tenant_id from grid.tenant where code = auth.claims() ->> 'tenant'
$$;
grant execute on function auth.tenant_id() to segs_api, consumer, operator, admin;
comment on function auth.tenant_id() is 'migration: Tenant of the request''s token; null without one.';

create function auth.user_id() returns uuid
language sql stable parallel safe
as $$
    -- A device's sub is any text, so it is a user only when it reads as a uuid.
    select case
        when pg_input_is_valid(auth.claims() ->> 'sub', 'uuid') then (auth.claims() ->> 'sub')::uuid
    end
$$;
grant execute on function auth.user_id() to segs_api, consumer, operator, admin;
comment on function auth.user_id() is 'migration: User of the request''s token; null without one and for devices.';

create function auth.sees_tenant() returns boolean
language sql stable parallel safe
as $$
    -- The setting, not current_user: it stays the caller's inside security definer functions.
    select coalesce(current_setting('role', true) in ('operator', 'admin'), false)
$$;
grant execute on function auth.sees_tenant() to segs_api, consumer, operator, admin;
comment on function auth.sees_tenant() is
'migration: Whether the caller (operator, admin) sees all of the tenant rather than only what is theirs.';

-- Security definer: asked by policies, so it must not be subject to them.
create function auth.own_meter_ids() returns integer[]
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct meter_id), '{}')
    from grid.meter_ownership
    where tenant_id = auth.tenant_id() and user_id = auth.user_id()
$$;
grant execute on function auth.own_meter_ids() to segs_api, consumer, operator, admin;
comment on function auth.own_meter_ids() is
'migration: Internal keys of the meters that the caller owns or once owned. Views narrow them to its time.';

-- Security definer: asked by policies, so it must not be subject to them.
create function auth.own_region_ids() returns integer[]
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct region_id), '{}')
    from grid.meter
    where meter_id = any (auth.own_meter_ids())
$$;
grant execute on function auth.own_region_ids() to segs_api, consumer, operator, admin;
comment on function auth.own_region_ids() is
'migration: Internal keys of the regions of the meters that the caller owns or once owned.';

do $$
declare
    ordinary record;
begin
    -- Every ordinary table, also those without a policy: they are closed to all but their owner.
    for ordinary in
        select n.nspname, c.relname
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in ('grid', 'ingest', 'rollup', 'tariff', 'alert', 'event', 'auth')
          and c.relkind = 'r'
          and not exists (
              select from timescaledb_information.hypertables as h
              where h.hypertable_schema = n.nspname and h.hypertable_name = c.relname
          )
    loop
        execute format('alter table %I.%I enable row level security', ordinary.nspname, ordinary.relname);
    end loop;
end;
$$;

create policy tenant_of_caller on grid.tenant for select to segs_api
using (tenant_id = (select auth.tenant_id()));

create policy region_of_caller on grid.region for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or region_id = any((select auth.own_region_ids())::integer[]))
);

create policy meter_of_caller on grid.meter for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or meter_id = any((select auth.own_meter_ids())::integer[]))
);

create policy ownership_of_caller on grid.meter_ownership for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or user_id = (select auth.user_id()))
);

create policy load_of_caller on grid.region_load for select to segs_api
using (tenant_id = (select auth.tenant_id()) and (select auth.sees_tenant()));

create policy account_of_caller on auth.user_account for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or user_id = (select auth.user_id()))
);

create policy plan_of_caller on tariff.plan for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and (
        (select auth.sees_tenant())
        or region_id is null
        or region_id = any((select auth.own_region_ids())::integer[])
    )
);

create policy price_of_caller on tariff.price for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or region_id = any((select auth.own_region_ids())::integer[]))
);

create policy rule_of_caller on alert.rule for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and (
        (select auth.sees_tenant())
        or user_id = (select auth.user_id())
        or meter_id = any((select auth.own_meter_ids())::integer[])
    )
);

create policy alert_of_caller on alert.alert for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or meter_id = any((select auth.own_meter_ids())::integer[]))
);

create policy quarantine_of_caller on ingest.quarantine for select to segs_api
using (tenant_id = (select auth.tenant_id()) and (select auth.sees_tenant()));

-- The ingest worker writes for every tenant.
create policy limits_for_ingest on ingest.limits for select to segs_ingest using (true);
create policy batch_for_ingest on ingest.batch to segs_ingest using (true) with check (true);
create policy quarantine_for_ingest on ingest.quarantine to segs_ingest using (true) with check (true);

grant select on
grid.tenant, grid.region, grid.meter, grid.meter_ownership, grid.reading, grid.region_load,
auth.user_account, tariff.plan, tariff.price, alert.rule, alert.alert, ingest.quarantine
to segs_api;

-- PostgREST shows this as the title and text of its OpenAPI description.
set local role segs_api;
comment on schema api is
$$SEGS, smart energy grid platform

Meters, readings, loads, prices, alerts and events of the tenant in your token. Filters, ordering and pages are
PostgREST's: ?meter_id=eq.SIM-00001&order=bucket.desc&limit=96. Errors are {"code", "message", "details", "hint"}.$$;
reset role;

-- migrate:down
set local role segs_api;
comment on schema api is 'The only schema PostgREST exposes. Holds no state; rebuilt by every deploy.';
set local role segs_owner;
revoke select on
grid.tenant, grid.region, grid.meter, grid.meter_ownership, grid.reading, grid.region_load,
auth.user_account, tariff.plan, tariff.price, alert.rule, alert.alert, ingest.quarantine
from segs_api;
do $$
declare
    own record;
begin
    for own in
        select schemaname, tablename, policyname
        from pg_policies
        where schemaname in ('grid', 'ingest', 'rollup', 'tariff', 'alert', 'event', 'auth')
    loop
        execute format('drop policy %I on %I.%I', own.policyname, own.schemaname, own.tablename);
    end loop;
    for own in
        select n.nspname, c.relname
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in ('grid', 'ingest', 'rollup', 'tariff', 'alert', 'event', 'auth') and c.relrowsecurity
    loop
        execute format('alter table %I.%I disable row level security', own.nspname, own.relname);
    end loop;
end;
$$;
drop function auth.own_region_ids();
drop function auth.own_meter_ids();
drop function auth.sees_tenant();
drop function auth.user_id();
drop function auth.tenant_id();
drop function auth.claims();
alter table alert.alert reset (fillfactor);
alter table alert.rule drop constraint rule_threshold_not_negative;
alter table grid.meter_ownership drop constraint meter_ownership_half_open;
reset role;
