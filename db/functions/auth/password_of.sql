-- Security definer: the auth worker reaches accounts only through functions.
create function auth.password_of(user_id uuid, at timestamptz default now()) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select u.password_hash
    from auth.user_account as u
    where u.user_id = password_of.user_id and auth.in_use(u, password_of.at)
$$;
revoke all on function auth.password_of(uuid, timestamptz) from public;
grant execute on function auth.password_of(uuid, timestamptz) to segs_auth;
comment on function auth.password_of(uuid, timestamptz) is
'The password hash of a signed-in person''s account, to check the old password against when it is changed.';
