-- Security definer: segs_api, which calls it for an administrator's own tenant, may read tenants but not write them.
create function grid.set_reading_rules(tenant_id integer, connection_kw numeric, stamped text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if ($2 > 0 and $2 <= 1000000) is not true then
        raise sqlstate 'PT422' using
            message = 'connection_kw is not between 0 and 1000000',
            hint = 'Send what the connection of a usual meter carries, kW.';
    elsif ($3 in ('start', 'end')) is not true then
        raise sqlstate 'PT422' using
            message = 'stamped is neither start nor end',
            hint = 'Send which end of its interval the timestamp of a reading is.';
    end if;
    update grid.tenant as t
    set connection_kw = $2, stamped = $3
    where t.tenant_id = $1 and (t.connection_kw, t.stamped) is distinct from ($2, $3);
end;
$$;
revoke all on function grid.set_reading_rules(integer, numeric, text) from public;
grant execute on function grid.set_reading_rules(integer, numeric, text) to segs_api;
comment on function grid.set_reading_rules(integer, numeric, text) is
'Changes what the readings of a tenant may claim, and how they are stamped. PT422: no such value.';
