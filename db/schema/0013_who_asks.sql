-- migrate:up
set local role segs_owner;

-- Policies and views ask who the caller is, up to a dozen times a request. auth.check_request() has looked that up, and
-- notes it in settings of the transaction; these hold for exactly the claims they were made from, so a caller who sets
-- other claims is looked up again. (Anyone who can set settings can set claims: noting opens nothing.)
-- Expressions in plain SQL: PostgreSQL puts them into the query, where they cost a tenth of a function's call.
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

create or replace function auth.tenant_id() returns integer
language sql stable parallel safe
as $$
    select coalesce(auth.noted('segs.tenant_id')::integer, auth.find_tenant_id())
$$;

create or replace function auth.user_id() returns uuid
language sql stable parallel safe
as $$
    select coalesce(auth.noted('segs.user_id')::uuid, auth.find_user_id())
$$;
reset role;

-- migrate:down
set local role segs_owner;
create or replace function auth.user_id() returns uuid
language sql stable parallel safe
as $$
    -- A device's sub is any text, so it is a user only when it reads as a uuid.
    select case
        when pg_input_is_valid(auth.claims() ->> 'sub', 'uuid') then (auth.claims() ->> 'sub')::uuid
    end
$$;

create or replace function auth.tenant_id() returns integer
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select t.tenant_id from grid.tenant as t where t.code = auth.claims() ->> 'tenant');
end;
$$;
drop function auth.find_user_id();
drop function auth.find_tenant_id();
drop function auth.noted(text);
reset role;
