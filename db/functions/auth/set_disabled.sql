-- Security definer: segs_api, which calls it for an administrator's own tenant, may read accounts but not write them.
create function auth.set_disabled(tenant_id integer, user_id uuid, disabled boolean, at timestamptz default now())
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform auth.lock_account($1, $2);
    update auth.user_account as u
    set disabled_at = case when $3 then least(u.disabled_at, $4) end
    where u.user_id = $2;
    if $3 then
        perform auth.revoke_all($2, null, $4);
        perform auth.keep_an_admin($1, $4);
        perform auth.report_devices($1, $2, $4);
    end if;
end;
$$;
revoke all on function auth.set_disabled(integer, uuid, boolean, timestamptz) from public;
grant execute on function auth.set_disabled(integer, uuid, boolean, timestamptz) to segs_api;
comment on function auth.set_disabled(integer, uuid, boolean, timestamptz) is
'Deactivates an account and ends its sessions, or takes it into use again. PT404: no such account; PT409: the last '
'administrator.';
