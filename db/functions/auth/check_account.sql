create function auth.check_account(claims jsonb) returns integer
language plpgsql stable
as $$
declare
    sub constant uuid := auth.as_uuid(claims ->> 'sub');
    sid constant uuid := auth.as_uuid(claims ->> 'sid');
    tenant integer;
    usable boolean;
    live boolean;
    allowed boolean;
begin
    -- One statement, by keys: every request asks this, and the cost must not grow with the number of sessions.
    select
        t.tenant_id, auth.in_use(u, now()), auth.is_live(s, u, now()), auth.may_claim(claims ->> 'role', u.role)
    into tenant, usable, live, allowed
    from grid.tenant as t
    left join auth.user_account as u on u.tenant_id = t.tenant_id and u.user_id = sub
    left join auth.session as s on s.user_id = u.user_id and s.session_id = sid
    where t.code = claims ->> 'tenant';

    if tenant is null then
        raise sqlstate 'PT401' using
            message = 'The token names a tenant that does not exist',
            hint = 'Sign in again with the code of your utility company.';
    end if;
    if usable is not true then
        raise sqlstate 'PT401' using
            message = 'The token''s user does not exist or is disabled',
            hint = 'Sign in again, or ask an administrator of your tenant.';
    end if;
    if claims ->> 'sid' is null then
        -- A token made by hand: good where it can be made at all, which is in development.
        live := not (select p.require_session from auth.policy as p);
    end if;
    if live is not true then
        raise sqlstate 'PT401' using
            message = 'The session has ended',
            hint = 'Sign in again: POST /api/v1/user/login.';
    end if;
    if allowed is not true then
        raise sqlstate 'PT403' using
            message = format('The token claims the role %s, which its user does not have', auth.said(claims ->> 'role')),
            hint = 'Sign in again: your role has changed since the token was made.';
    end if;
    return tenant;
end;
$$;
revoke all on function auth.check_account(jsonb) from public;
comment on function auth.check_account(jsonb) is
'The tenant of a token''s user. Refuses a token whose tenant or user is not known, whose session was signed out, has '
'expired or is another''s (in production also one without a session), or which claims a role that its user does not '
'have.';
