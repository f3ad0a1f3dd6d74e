create function tariff.publish_prices(loads grid.region_load[]) returns void
language sql
as $$
    -- A restated load (revision 2 and up) changes no price: the window it would have priced has been sold already.
    insert into tariff.price (tenant_id, region_id, window_start, price, multiplier, load_energy, plan_id)
    select
        l.tenant_id,
        l.region_id,
        l.window_start + interval '15 minutes',
        round(p.base_price * m.multiplier, 6),
        m.multiplier,
        l.energy,
        p.plan_id
    from unnest(loads) as l
    cross join lateral tariff.plan_at(l.tenant_id, l.region_id, l.window_start + interval '15 minutes') as p
    cross join lateral (
        -- A price below zero would fall as the load rises: it stays as planned.
        select case
            when p.base_price > 0 then tariff.multiplier(l.energy, p.high_load, p.max_multiplier) else 1
        end as multiplier
    ) as m
    where l.revision = 1
    order by l.window_start, l.region_id
    -- A price that was published from outside was first, and stays.
    on conflict do nothing
$$;
revoke all on function tariff.publish_prices(grid.region_load[]) from public;
comment on function tariff.publish_prices(grid.region_load[]) is
'The load of a window that closed sets the price of the next one, unless that was published from outside: base price '
'times multiplier.';
