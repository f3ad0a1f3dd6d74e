create function auth.check_session(claims jsonb) returns void
language plpgsql stable
as $$
declare
    sid constant text := claims ->> 'sid';
    live boolean := false;
begin
    if sid is null then
        -- A token made by hand: good where it can be made at all, which is in development.
        live := not (select p.require_session from auth.policy as p);
    elsif pg_input_is_valid(sid, 'uuid') then
        -- by key: the cost must not grow with the number of sessions
        select exists (
            select from auth.session as s
            join auth.user_account as u on u.tenant_id = s.tenant_id and u.user_id = s.user_id
            where s.session_id = sid::uuid and s.user_id = auth.user_id() and auth.is_live(s, u, now())
        ) into live;
    end if;
    if not live then
        raise sqlstate 'PT401' using
            message = 'The session has ended',
            hint = 'Sign in again: POST /api/v1/user/login.';
    end if;
end;
$$;
comment on function auth.check_session(jsonb) is
'Refuses a token whose session was signed out, has expired or is another''s; and in production one without a session.';
