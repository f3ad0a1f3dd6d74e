-- Security definer: segs_api, which calls it for an operator's own tenant, may read meters but not write them.
create function grid.set_connection(tenant_id integer, meter_id integer, connection_kw numeric) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if ($3 > 0 and $3 <= 1000000) is not true then
        raise sqlstate 'PT422' using
            message = 'connection_kw is not a number above 0, up to 1000000',
            hint = 'Send what the connection of the meter carries, kW.';
    end if;
    update grid.meter as m set connection_kw = $3 where m.tenant_id = $1 and m.meter_id = $2;
end;
$$;
revoke all on function grid.set_connection(integer, integer, numeric) from public;
grant execute on function grid.set_connection(integer, integer, numeric) to segs_api;
comment on function grid.set_connection(integer, integer, numeric) is
'Changes what the connection of a meter carries, kW: no reading that comes from now on may tell of more.';
