create function auth.is_live(session auth.session, account auth.user_account, at timestamptz) returns boolean
language sql immutable parallel safe
as $$
    select session.revoked_at is null and session.expires_at > at and auth.in_use(account, at)
$$;
comment on function auth.is_live(auth.session, auth.user_account, timestamptz) is
'Whether a session of this account is neither revoked nor expired, and the account in use.';
