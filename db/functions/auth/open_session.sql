-- Security definer: the auth worker reaches accounts and sessions only through functions.
create function auth.open_session(
    user_id uuid, expected_hash text, token_hash bytea, lifetime interval,
    user_agent text, address inet, at timestamptz default now()
)
returns table (session_id uuid, expires_at timestamptz, profile jsonb)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    account auth.user_account;
begin
    -- The lock keeps a password change out until the session is there for it to end.
    select u.* into account from auth.user_account as u where u.user_id = open_session.user_id for share;
    if not auth.in_use(account, open_session.at) or account.verified_at is null then
        return;
    end if;
    if open_session.expected_hash is not null and account.password_hash is distinct from open_session.expected_hash then
        return;
    end if;
    insert into auth.session as s (tenant_id, user_id, created_at, last_used_at, expires_at, user_agent, address)
    values (
        account.tenant_id, account.user_id, open_session.at, open_session.at,
        open_session.at + open_session.lifetime, left(open_session.user_agent, 400), open_session.address
    )
    returning s.session_id, s.expires_at into session_id, expires_at;
    insert into auth.refresh_token as r (token_hash, session_id, issued_at)
    values (open_session.token_hash, open_session.session_id, open_session.at);
    profile := auth.profile(account);
    return next;
end;
$$;
revoke all on function auth.open_session(uuid, text, bytea, interval, text, inet, timestamptz) from public;
grant execute on function auth.open_session(uuid, text, bytea, interval, text, inet, timestamptz) to segs_auth;
comment on function auth.open_session(uuid, text, bytea, interval, text, inet, timestamptz) is
'Begins a session with its first refresh token. expected_hash: the password hash that was checked (null: it was a '
'code). No row if the account may not sign in or its password has changed meanwhile.';
