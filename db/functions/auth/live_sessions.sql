-- Security definer: workers may not read sessions and accounts themselves.
create function auth.live_sessions(session_ids uuid[], at timestamptz default now()) returns setof uuid
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select s.session_id
    from auth.session as s
    join auth.user_account as u on u.tenant_id = s.tenant_id and u.user_id = s.user_id
    where s.session_id = any (live_sessions.session_ids) and auth.is_live(s, u, live_sessions.at)
$$;
revoke all on function auth.live_sessions(uuid[], timestamptz) from public;
grant execute on function auth.live_sessions(uuid[], timestamptz) to segs_auth, segs_relay, segs_ingest;
comment on function auth.live_sessions(uuid[], timestamptz) is
'Which of these sessions are neither revoked nor expired and belong to an account in use.';
