-- PostgREST calls this before every request (db-pre-request), as the role of the token.
-- Security definer: that role may not read tenants and accounts itself.
create function auth.check_request() returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    claims constant jsonb := auth.claims();
    wrong_claim text;
    wrong_time text;
    caller_tenant integer;
    plan_mode constant text := auth.plan_mode(current_setting('request.path', true), auth.sees_tenant());
begin
    perform auth.note_request();
    if coalesce(claims ->> 'role', 'anon') = 'anon' and not claims ?| array['sub', 'tenant', 'iss', 'aud', 'exp'] then
        perform auth.check_anonymous();
        return;
    end if;
    if current_setting('request.method', true) <> 'GET' then
        perform auth.check_method();
    end if;

    wrong_claim := auth.missing_claim(claims);
    if wrong_claim is not null then
        raise sqlstate 'PT401' using
            message = format('The token''s claim %I is missing or not valid here', wrong_claim),
            hint = 'Sign in again: a token needs iss and aud "segs", exp, sub, tenant and role.';
    end if;
    wrong_time := auth.time_fault(claims, now());
    if wrong_time is not null then
        raise sqlstate 'PT401' using
            message = wrong_time, hint = 'Refresh it (POST /api/v1/user/refresh), or sign in again.';
    end if;
    if claims ->> 'role' = 'device' then
        raise sqlstate 'PT403' using
            message = 'A device token may only send readings',
            hint = 'POST readings to /telemetry/batch, or sign in as a user to read the API.';
    end if;
    caller_tenant := auth.check_account(claims);
    perform auth.check_query();
    perform auth.keep_time(caller_tenant);
    perform
        -- Policies and views ask for these again and again: auth.tenant_id(), auth.user_id().
        set_config('segs.tenant_id', caller_tenant::text, true),
        set_config('segs.user_id', claims ->> 'sub', true),
        set_config('segs.claims', current_setting('request.jwt.claims'), true),
        set_config('plan_cache_mode', coalesce(plan_mode, current_setting('plan_cache_mode')), true);
end;
$$;
revoke all on function auth.check_request() from public;
grant execute on function auth.check_request() to anon, consumer, operator, admin, platform_admin, device;
comment on function auth.check_request() is
'Refuses a request whose token is incomplete, names no known tenant, enabled user or live session, or claims a role '
'that its user does not have: 401 or 403 in the one error shape.';
