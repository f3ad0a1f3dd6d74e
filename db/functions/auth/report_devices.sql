create function auth.report_devices(tenant_id integer, user_id uuid, at timestamptz) returns integer
language plpgsql
as $$
declare
    tokens constant integer := (
        select count(*) from auth.device_token as d
        where d.tenant_id = $1 and d.created_by = $2 and d.revoked_at is null
    );
begin
    if tokens > 0 then
        perform notify.queue_mail('devices_remain', u.user_id, jsonb_build_object('tokens', tokens))
        from auth.user_account as u
        where
            u.tenant_id = $1 and u.user_id <> $2 and u.role = 'admin' and u.verified_at is not null
            and auth.in_use(u, $3);
    end if;
    return tokens;
end;
$$;
revoke all on function auth.report_devices(integer, uuid, timestamptz) from public;
comment on function auth.report_devices(integer, uuid, timestamptz) is
'Tells a tenant''s other administrators by mail that device tokens which this one made go on, because gateways send '
'with them. Returns how many.';
