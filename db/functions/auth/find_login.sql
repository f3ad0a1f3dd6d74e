-- Security definer: the auth worker reaches accounts only through functions.
create function auth.find_login(
    tenant_code text, email text, at timestamptz default now()
)
returns table (user_id uuid, password_hash text, verified boolean, in_use boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select u.user_id, u.password_hash, u.verified_at is not null, auth.in_use(u, find_login.at)
    from auth.account_of(find_login.tenant_code, find_login.email) as u
    where u.user_id is not null
$$;
revoke all on function auth.find_login(text, text, timestamptz) from public;
grant execute on function auth.find_login(text, text, timestamptz) to segs_auth;
comment on function auth.find_login(text, text, timestamptz) is
'What signing in needs to know of an account: its password hash, and whether it may. No row: no such account.';
