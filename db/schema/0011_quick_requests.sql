-- migrate:up
set local role segs_owner;

-- PostgreSQL parses and plans the body of an SQL function again in every query that calls it; that of a PL/pgSQL
-- function once a connection. These three cannot be inlined (they are security definer), and every request asks them
-- several times, through the policies.
create or replace function auth.tenant_id() returns integer
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select t.tenant_id from grid.tenant as t where t.code = auth.claims() ->> 'tenant');
end;
$$;

create or replace function auth.own_meter_ids() returns integer[]
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(array_agg(distinct o.meter_id), '{}')
        from grid.meter_ownership as o
        where o.tenant_id = auth.tenant_id() and o.user_id = auth.user_id()
    );
end;
$$;

create or replace function auth.own_region_ids() returns integer[]
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(array_agg(distinct m.region_id), '{}')
        from grid.meter as m
        where m.meter_id = any (auth.own_meter_ids())
    );
end;
$$;

-- The alerts of a few meters, and the newest open ones of a tenant, without looking at the others.
create index alert_meter on alert.alert (meter_id, raised_at);
create index alert_open_newest on alert.alert (tenant_id, raised_at) where status <> 'resolved';
reset role;

-- migrate:down
set local role segs_owner;
drop index alert.alert_open_newest;
drop index alert.alert_meter;

create or replace function auth.own_region_ids() returns integer[]
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct region_id), '{}')
    from grid.meter
    where meter_id = any (auth.own_meter_ids())
$$;

create or replace function auth.own_meter_ids() returns integer[]
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct meter_id), '{}')
    from grid.meter_ownership
    where tenant_id = auth.tenant_id() and user_id = auth.user_id()
$$;

create or replace function auth.tenant_id() returns integer
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
    select tenant_id from grid.tenant where code = auth.claims() ->> 'tenant'
$$;
reset role;
