-- Helpers of the test files: made before each inside its transaction, so rolled back with it.
create schema tap;
grant usage on schema tap to public;

create function tap.sign_out() returns void
language sql
as $$
    select set_config('role', 'none', true), set_config('request.jwt.claims', '', true)
$$;

-- A tenant with an account for each role, meters M-1 (north) to M-5 (central) that have sent since 2020, and M-1 owned
-- by alice and M-2 by bob since then.
create function tap.make_tenant(new_code text) returns integer
language plpgsql
as $$
declare
    made integer;
begin
    -- pgTAP makes temporary tables, in whatever role a test goes on. The right ends with the test's transaction.
    if not has_database_privilege('public', current_database(), 'temporary') then
        execute format('grant temporary on database %I to public', current_database());
    end if;
    insert into grid.tenant (code, name) values (new_code, new_code) returning tenant_id into made;
    insert into auth.user_account (tenant_id, email, name, role)
    select made, name || '@' || new_code || '.example', name, role
    from (values ('admin', 'admin'), ('operator', 'operator'), ('alice', 'consumer'), ('bob', 'consumer')) as u (name, role);
    perform grid.register_meters(made, jsonb_agg(jsonb_build_object(
        'meter_id', 'M-' || n, 'region', (array['north', 'south', 'east', 'west', 'central'])[n],
        'installed_at', '2020-01-01T00:00:00Z'
    ))) from generate_series(1, 5) as n;
    update grid.meter set begins_at = installed_at where tenant_id = made;
    perform tap.own(new_code, 'M-1', 'alice', '[2020-01-01 00:00Z,)');
    perform tap.own(new_code, 'M-2', 'bob', '[2020-01-01 00:00Z,)');
    return made;
end;
$$;

create function tap.own(tenant_code text, meter_code text, owner text, owned tstzrange) returns void
language sql
as $$
    insert into grid.meter_ownership (meter_id, tenant_id, user_id, period)
    select m.meter_id, m.tenant_id, u.user_id, owned
    from grid.tenant as t
    join grid.meter as m on m.tenant_id = t.tenant_id and m.code = meter_code
    join auth.user_account as u on u.tenant_id = t.tenant_id and u.email = owner || '@' || t.code || '.example'
    where t.code = tenant_code
$$;

create function tap.tenant(wanted_code text) returns integer
language sql
as $$
    select tenant_id from grid.tenant where code = wanted_code
$$;

create function tap.meter(tenant_code text, meter_code text) returns integer
language sql
as $$
    select meter_id from grid.meter where tenant_id = tap.tenant(tenant_code) and code = meter_code
$$;

create function tap.region(tenant_code text, region_code text) returns integer
language sql
as $$
    select region_id from grid.region where tenant_id = tap.tenant(tenant_code) and code = region_code
$$;

create function tap.account(tenant_code text, owner text) returns uuid
language sql
as $$
    select user_id from auth.user_account where email = owner || '@' || tenant_code || '.example'
$$;

-- One reading; energy in kWh.
create function tap.read(tenant_code text, meter_code text, at timestamptz, kwh numeric) returns void
language sql
as $$
    insert into grid.reading (ts, meter_id, energy) values (at, tap.meter(tenant_code, meter_code), kwh * 1000000)
$$;

-- One closed window of a region; energy in kWh.
create function tap.close(tenant_code text, region_code text, at timestamptz, kwh numeric, revision integer default 1)
returns void
language sql
as $$
    insert into grid.region_load (tenant_id, region_id, window_start, revision, energy, meters, readings)
    values (tap.tenant(tenant_code), tap.region(tenant_code, region_code), at, revision, kwh * 1000000, 1, 1)
$$;

create function tap.claims(tenant_code text, owner text, claimed_role text) returns jsonb
language sql
as $$
    select jsonb_build_object(
        'iss', 'segs', 'aud', 'segs', 'tenant', tenant_code, 'sub', tap.account(tenant_code, owner),
        'role', claimed_role, 'iat', extract(epoch from now())::bigint, 'exp', extract(epoch from now())::bigint + 60
    )
$$;

-- Goes on as a user, with their token's claims and role, as PostgREST would.
create function tap.sign_in(tenant_code text, owner text, claimed_role text default null) returns void
language plpgsql
as $$
begin
    perform tap.sign_out();
    claimed_role := coalesce(
        claimed_role,
        (select u.role from auth.user_account as u where u.user_id = tap.account(tenant_code, owner))
    );
    perform set_config('request.jwt.claims', tap.claims(tenant_code, owner, claimed_role)::text, true);
    perform set_config('role', claimed_role, true);
    perform auth.check_request();
end;
$$;

-- How PostgreSQL would run a query, as its caller.
create function tap.plan_of(query text) returns text
language plpgsql
as $$
declare
    line text;
    plan text := '';
begin
    for line in execute 'explain (costs off) ' || query loop
        plan := plan || line || E'\n';
    end loop;
    return plan;
end;
$$;
