-- Security definer: the caller revokes device tokens of their own tenant and writes nothing else.
create function api.revoke_device_token(device_id uuid) returns api.devices
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    answer api.devices;
begin
    if auth.revoke_device_token(auth.tenant_id(), $1) is null then
        raise sqlstate 'PT404' using
            message = format('There is no device %s', coalesce($1::text, 'null')),
            hint = 'GET /devices lists the devices of your tenant.';
    end if;
    select d.* into answer from api.devices as d where d.device_id = $1;
    return answer;
end;
$$;
revoke all on function api.revoke_device_token(uuid) from public;
grant execute on function api.revoke_device_token(uuid) to admin;
comment on function api.revoke_device_token(uuid) is
$$Revoke a device token

For good, within 5 seconds everywhere. 404: no such device.$$;
