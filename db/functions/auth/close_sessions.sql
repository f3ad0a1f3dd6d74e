-- Security definer: the auth worker reaches sessions only through functions.
create function auth.close_sessions(user_id uuid, at timestamptz default now()) returns integer
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    select auth.revoke_all(close_sessions.user_id, null, close_sessions.at)
$$;
revoke all on function auth.close_sessions(uuid, timestamptz) from public;
grant execute on function auth.close_sessions(uuid, timestamptz) to segs_auth;
comment on function auth.close_sessions(uuid, timestamptz) is 'Ends every session of an account. Returns how many.';
