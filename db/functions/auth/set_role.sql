-- Security definer: segs_api, which calls it for an administrator's own tenant, may read accounts but not write them.
create function auth.set_role(tenant_id integer, user_id uuid, role text, at timestamptz default now()) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before constant auth.user_account := auth.lock_account($1, $2);
begin
    if before.role = $3 then
        return;
    end if;
    update auth.user_account as u set role = $3 where u.user_id = $2;
    -- What tokens say of the role is no longer true.
    perform auth.revoke_all($2, null, $4);
    perform auth.keep_an_admin($1, $4);
    perform auth.report_devices($1, $2, $4);
end;
$$;
revoke all on function auth.set_role(integer, uuid, text, timestamptz) from public;
grant execute on function auth.set_role(integer, uuid, text, timestamptz) to segs_api;
comment on function auth.set_role(integer, uuid, text, timestamptz) is
'Gives an account another role, ends its sessions, and reports device tokens that it made. PT404: no such account; '
'PT409: the last administrator.';
