-- Security definer: the auth worker reaches accounts only through functions.
create function auth.me(tenant_code text, user_id uuid, at timestamptz default now()) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select auth.profile(u)
    from auth.user_account as u
    join grid.tenant as t on t.tenant_id = u.tenant_id
    where t.code = me.tenant_code and u.user_id = me.user_id and auth.in_use(u, me.at)
$$;
revoke all on function auth.me(text, uuid, timestamptz) from public;
grant execute on function auth.me(text, uuid, timestamptz) to segs_auth;
comment on function auth.me(text, uuid, timestamptz) is
'The account as its owner sees it; null when it is not in use.';
