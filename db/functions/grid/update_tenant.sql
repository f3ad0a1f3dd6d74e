-- Security definer: segs_api, which calls it for an administrator's own tenant, may read tenants but not write them.
create function grid.update_tenant(
    tenant_id integer, name text, time_zone text, currency text, reading_interval interval
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A published price is an amount of the currency that it was published in.
    if exists (select from grid.tenant as t where t.tenant_id = $1 and t.currency <> $4) then
        -- Prices that are being published are waited for.
        lock table tariff.price in share mode;
        if exists (select from tariff.price as p where p.tenant_id = $1) then
            raise sqlstate 'PT409' using
                message = 'The currency stays once prices are published',
                hint = 'A published price never changes, and neither does its currency.';
        end if;
    end if;
    update grid.tenant as t
    set name = $2, time_zone = $3, currency = $4, reading_interval = $5
    where t.tenant_id = $1;
end;
$$;
revoke all on function grid.update_tenant(integer, text, text, text, interval) from public;
grant execute on function grid.update_tenant(integer, text, text, text, interval) to segs_api;
comment on function grid.update_tenant(integer, text, text, text, interval) is
'Changes the settings of a tenant. PT409: another currency after prices were published.';
