-- PostgREST calls this before every request (db-pre-request), as the role of the token.
-- Security definer: that role may not read tenants and accounts itself.
create function auth.check_request() returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    claims constant jsonb := auth.claims();
    claimed constant text := coalesce(claims ->> 'role', 'anon');
    tenant integer;
    wrong_claim text;
    account auth.user_account;
begin
    perform auth.note_request();
    if claimed = 'anon' and not claims ?| array['sub', 'tenant', 'iss', 'aud', 'exp'] then
        perform auth.check_anonymous();
        return;
    end if;
    perform auth.check_method();

    wrong_claim := auth.missing_claim(claims);
    if wrong_claim is not null then
        raise sqlstate 'PT401' using
            message = format('The token''s claim %I is missing or not valid here', wrong_claim),
            hint = 'Sign in again: a token needs iss and aud "segs", exp, sub, tenant and role.';
    end if;
    if claimed = 'device' then
        raise sqlstate 'PT403' using
            message = 'A device token may only send readings',
            hint = 'POST readings to /telemetry/batch, or sign in as a user to read the API.';
    end if;
    tenant := auth.tenant_id();
    if tenant is null then
        raise sqlstate 'PT401' using
            message = 'The token names a tenant that does not exist',
            hint = 'Sign in again with the code of your utility company.';
    end if;

    select u.* into account
    from auth.user_account as u
    where u.user_id = auth.user_id() and u.tenant_id = tenant;
    if not found or not auth.in_use(account, now()) then
        raise sqlstate 'PT401' using
            message = 'The token''s user does not exist or is disabled',
            hint = 'Sign in again, or ask an administrator of your tenant.';
    end if;
    perform auth.check_session(claims);
    if not auth.may_claim(claimed, account.role) then
        raise sqlstate 'PT403' using
            message = format('The token claims the role %s, which its user does not have', claimed),
            hint = 'Sign in again: your role has changed since the token was made.';
    end if;
    perform auth.choose_plan();
end;
$$;
revoke all on function auth.check_request() from public;
grant execute on function auth.check_request() to anon, consumer, operator, admin, platform_admin, device;
comment on function auth.check_request() is
'Refuses a request whose token is incomplete, names no known tenant, enabled user or live session, or claims a role '
'that its user does not have: 401 or 403 in the one error shape.';
