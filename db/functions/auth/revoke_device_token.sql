-- Security definer: segs_api, which calls it for an administrator's own tenant, may not write tokens.
create function auth.revoke_device_token(tenant_id integer, device_id uuid, at timestamptz default now())
returns boolean
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    update auth.device_token as d
    set revoked_at = least(d.revoked_at, $3)
    where d.tenant_id = $1 and d.device_id = $2
    returning true
$$;
revoke all on function auth.revoke_device_token(integer, uuid, timestamptz) from public;
grant execute on function auth.revoke_device_token(integer, uuid, timestamptz) to segs_api;
comment on function auth.revoke_device_token(integer, uuid, timestamptz) is
'Revokes a device token of a tenant for good; null when there is none.';
