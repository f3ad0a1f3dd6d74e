-- Security definer: the auth worker reaches accounts only through functions.
create function auth.update_me(
    tenant_code text, user_id uuid, changes jsonb, at timestamptz default now()
)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update auth.user_account as u
    set name = case when update_me.changes ? 'name' then update_me.changes ->> 'name' else u.name end,
        phone = case when update_me.changes ? 'phone' then update_me.changes ->> 'phone' else u.phone end
    from grid.tenant as t
    where
        t.code = update_me.tenant_code and u.tenant_id = t.tenant_id
        and u.user_id = update_me.user_id and auth.in_use(u, update_me.at);
    return auth.me(update_me.tenant_code, update_me.user_id, update_me.at);
end;
$$;
revoke all on function auth.update_me(text, uuid, jsonb, timestamptz) from public;
grant execute on function auth.update_me(text, uuid, jsonb, timestamptz) to segs_auth;
comment on function auth.update_me(text, uuid, jsonb, timestamptz) is
'Changes what a person may change of their account: name and phone, each if present. Returns the account.';
