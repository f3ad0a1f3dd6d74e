-- Security definer: segs_api, which calls it for an administrator's own tenant, may not write tokens or read hashes.
create function auth.create_device_token(
    tenant_id integer, name text, meters text[], created_by uuid, stamped text, out device_id uuid, out token text
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    unknown text;
    meter_ids integer[];
begin
    if $3 is not null then
        select string_agg(distinct coalesce(w.code, 'null'), ', ') filter (where m.meter_id is null),
            array_agg(distinct m.meter_id)
        into unknown, meter_ids
        from unnest($3) as w (code)
        left join grid.meter as m on m.tenant_id = $1 and m.code = w.code;
        if unknown is not null then
            raise sqlstate 'PT404' using
                message = format('There is no meter %s', auth.said(unknown)),
                hint = 'GET /meters lists the meters that you may name.';
        end if;
    end if;

    -- 32 bytes of three random uuids (122 random bits each), written as JWTs write bytes.
    token := 'segsd_' || rtrim(translate(encode(sha256(
        uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
    ), 'base64'), '+/', '-_'), '=');
    insert into auth.device_token as d (tenant_id, name, token_hash, meter_ids, created_by, stamped)
    values ($1, $2, sha256(token::bytea), meter_ids, $4, $5)
    returning d.device_id into device_id;
end;
$$;
revoke all on function auth.create_device_token(integer, text, text[], uuid, text) from public;
grant execute on function auth.create_device_token(integer, text, text[], uuid, text) to segs_api;
comment on function auth.create_device_token(integer, text, text[], uuid, text) is
'Makes a device token, for some meters or (null) all of a tenant. The token is returned here and never again: what is '
'kept is its SHA-256. PT404: no such meter.';
