-- Security definer: the auth worker reaches sessions only through functions.
create function auth.close_session(token_hash bytea, at timestamptz default now()) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    closed uuid;
begin
    -- Also by a token that was used already: anyone who has one may end the session, as using it again would.
    update auth.session as s
    set revoked_at = close_session.at
    from auth.refresh_token as r
    where r.token_hash = close_session.token_hash and s.session_id = r.session_id and s.revoked_at is null
    returning s.session_id into closed;
    return closed;
end;
$$;
revoke all on function auth.close_session(bytea, timestamptz) from public;
grant execute on function auth.close_session(bytea, timestamptz) to segs_auth;
comment on function auth.close_session(bytea, timestamptz) is
'Ends the session of a refresh token. Its id; null when there was none to end.';
