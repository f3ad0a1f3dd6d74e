-- Security definer: workers may not read sessions and accounts themselves.
create function auth.session_live(session_id uuid, at timestamptz default now()) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select exists (select from auth.live_sessions(array[session_live.session_id], session_live.at))
$$;
revoke all on function auth.session_live(uuid, timestamptz) from public;
grant execute on function auth.session_live(uuid, timestamptz) to segs_auth, segs_relay, segs_ingest;
comment on function auth.session_live(uuid, timestamptz) is
'Whether a session is neither revoked nor expired and belongs to an account in use.';
