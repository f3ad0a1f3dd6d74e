-- migrate:up
-- Who asks. segs_api owns the views and functions of schema api; views run as their owner, and segs_api owns no private
-- table, so the policies on tables hold for anyone who calls. Callers are told apart by their token's claims.
-- Hypertables and rollups can have no policies (and chunks would not inherit them): their views in api filter by
-- auth.visible_meter instead.
--
-- The functions that policies call stand here rather than in db/functions, where every deploy drops and remakes them.
-- Policies call each as (select f()): once a query, not once a row.
--
-- Policies and views ask who the caller is, up to a dozen times a request. auth.check_request() has looked that up, and
-- notes it in settings of the transaction; these hold for exactly the claims they were made from, so a caller who sets
-- other claims is looked up again. (Anyone who can set settings can set claims: noting opens nothing.)
--
-- Plain SQL, where it can be: PostgreSQL puts the expression into the query, where it costs a tenth of a
-- function's call.
-- What is security definer cannot be put there: its body, if in SQL, would be parsed and planned again in every query
-- that calls it; in PL/pgSQL once a connection.
set local role segs_owner;

create function auth.claims() returns jsonb
language sql stable parallel safe
as $$
    -- PostgREST leaves the setting absent or empty when a request has no token.
    select coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}'::jsonb)
$$;
grant execute on function auth.claims() to segs_api, anon, consumer, operator, admin, platform_admin, device;
comment on function auth.claims() is
'migration: The claims of the request''s token; an empty object when there is none.';

create function auth.noted(name text) returns text
language sql stable parallel safe
as $$
    select case
        when current_setting('segs.claims', true) = current_setting('request.jwt.claims', true)
            then nullif(current_setting(noted.name, true), '')
    end
$$;
grant execute on function auth.noted(text) to segs_api, consumer, operator, admin, platform_admin;
comment on function auth.noted(text) is
'migration: What auth.check_request() noted for the claims of this request under a setting (segs.tenant_id, '
'segs.user_id); null when it has not.';

-- Security definer: policies of grid.tenant ask it, and callers may not read that table.
create function auth.find_tenant_id() returns integer
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select t.tenant_id from grid.tenant as t where t.code = auth.claims() ->> 'tenant');
end;
$$;
grant execute on function auth.find_tenant_id() to segs_api, consumer, operator, admin, platform_admin;
comment on function auth.find_tenant_id() is 'migration: Tenant that the request''s token names; null without one.';

create function auth.tenant_id() returns integer
language sql stable parallel safe
as $$
    select coalesce(auth.noted('segs.tenant_id')::integer, auth.find_tenant_id())
$$;
grant execute on function auth.tenant_id() to segs_api, consumer, operator, admin, platform_admin;
comment on function auth.tenant_id() is 'migration: Tenant of the request''s token; null without one.';

create function auth.find_user_id() returns uuid
language sql stable parallel safe
as $$
    -- A device's sub is any text, so it is a user only when it reads as a uuid.
    select case
        when pg_input_is_valid(auth.claims() ->> 'sub', 'uuid') then (auth.claims() ->> 'sub')::uuid
    end
$$;
grant execute on function auth.find_user_id() to segs_api, consumer, operator, admin, platform_admin;
comment on function auth.find_user_id() is
'migration: User that the request''s token names; null without one and for devices.';

create function auth.user_id() returns uuid
language sql stable parallel safe
as $$
    select coalesce(auth.noted('segs.user_id')::uuid, auth.find_user_id())
$$;
grant execute on function auth.user_id() to segs_api, consumer, operator, admin, platform_admin;
comment on function auth.user_id() is 'migration: User of the request''s token; null without one and for devices.';

create function auth.sees_tenant() returns boolean
language sql stable parallel safe
as $$
    -- The setting, not current_user: it stays the caller's inside security definer functions.
    select coalesce(current_setting('role', true) in ('operator', 'admin'), false)
$$;
grant execute on function auth.sees_tenant() to segs_api, consumer, operator, admin, platform_admin;
comment on function auth.sees_tenant() is
'migration: Whether the caller (operator, admin) sees all of the tenant rather than only what is theirs.';

-- Security definer: asked by policies, so it must not be subject to them.
create function auth.own_meter_ids() returns integer[]
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
grant execute on function auth.own_meter_ids() to segs_api, consumer, operator, admin;
comment on function auth.own_meter_ids() is
'migration: Internal keys of the meters that the caller owns or once owned. Views narrow them to its time.';

-- Security definer: asked by policies, so it must not be subject to them.
create function auth.own_region_ids() returns integer[]
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(array_agg(distinct r.region_id), '{}')
        from (
            select m.region_id from grid.meter as m where m.meter_id = any (auth.own_meter_ids())
            union all
            select p.region_id from grid.meter_past as p where p.meter_id = any (auth.own_meter_ids())
        ) as r
    );
end;
$$;
grant execute on function auth.own_region_ids() to segs_api, consumer, operator, admin;
comment on function auth.own_region_ids() is
'migration: Internal keys of the regions of the meters that the caller owns or once owned.';
reset role;

-- migrate:down
set local role segs_owner;
drop function auth.own_region_ids();
drop function auth.own_meter_ids();
drop function auth.sees_tenant();
drop function auth.user_id();
drop function auth.find_user_id();
drop function auth.tenant_id();
drop function auth.find_tenant_id();
drop function auth.noted(text);
drop function auth.claims();
reset role;
