-- Security definer: the caller makes device tokens of their own tenant and writes nothing else.
create function api.create_device_token(
    inout name text, inout meters text[] default null, inout stamped text default null, out device_id uuid,
    out token text
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(length($1), 0) not between 1 and 200 or $1 ~ '[[:cntrl:]]' then
        raise sqlstate 'PT422' using
            message = 'name is not 1 to 200 characters long, in one line', hint = 'Name the device so that people know it again.';
    end if;
    if cardinality($2) not between 1 and 10000 then
        raise sqlstate 'PT422' using
            message = 'meters is not a list of 1 to 10000 meters', hint = 'Leave it out to allow all of the tenant.';
    end if;
    if $3 not in ('start', 'end') then
        raise sqlstate 'PT422' using
            message = 'stamped is neither start nor end', hint = 'Leave it out for what the tenant says.';
    end if;
    select $1, $2, $3, d.device_id, d.token into name, meters, stamped, device_id, token
    from auth.create_device_token(auth.tenant_id(), $1, $2, auth.user_id(), $3) as d;
    perform set_config('response.headers', '[{"Cache-Control": "no-store"}]', true);
end;
$$;
revoke all on function api.create_device_token(text, text[], text) from public;
grant execute on function api.create_device_token(text, text[], text) to admin;
comment on function api.create_device_token(text, text[], text) is
$$Make a device token

For a gateway or meter that sends readings to /telemetry/batch: Authorization: Bearer <token>. meters: the only ones it may
send for; left out: all of the tenant. stamped: start or end, where it stamps readings otherwise than the
tenant says. The token is shown here and never again; it is good until revoked. 404: no such meter;
422: no name, or no list of meters.$$;
