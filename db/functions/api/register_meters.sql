-- Security definer: the caller registers meters of their own tenant and writes nothing else.
create function api.register_meters(meters jsonb) returns table (meter_id text, created boolean, differs text[])
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof($1) is distinct from 'array' or jsonb_array_length($1) not between 1 and 10000 then
        raise sqlstate 'PT422' using
            message = 'meters is not a list of 1 to 10000 meters',
            hint = 'Send {"meters": [{"meter_id": "M-1", "region": "north", "kind": "one_way"}]}; kind may be absent.';
    end if;
    perform grid.refuse_faulty_meters(auth.tenant_id(), $1);
    return query
    select r.code, r.created, r.differs from grid.register_meters(auth.tenant_id(), $1) as r;
end;
$$;
revoke all on function api.register_meters(jsonb) from public;
grant execute on function api.register_meters(jsonb) to operator, admin;
comment on function api.register_meters(jsonb) is
$$Register meters

Takes {"meters": [{"meter_id", "region", "kind"?, "installed_at"?, "connection_kw"?}]}; kind is one_way (default) or two_way;
connection_kw is what its connection carries (left out: as the tenant's settings say): readings of more are refused. All are registered
or, when one is refused, none: message names its place in the list, from 0. May be repeated: meters that exist stay as they are
and come back with created false; differs then names what you sent otherwise (rpc/update_meter changes it).$$;
