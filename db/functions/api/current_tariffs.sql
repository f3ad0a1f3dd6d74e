create view api.current_tariffs with (security_barrier) as
select
    r.code as region,
    now_in.window_start,
    now_in.window_start + interval '15 minutes' as window_end,
    trim_scale(coalesce(p.price, plan.base_price)) as price,
    trim_scale(
        case when p.price is not null then p.multiplier when plan.base_price is not null then 1 end
    ) as multiplier,
    t.currency::text as currency,
    p.price is not null as published
from auth.visible_region as r
join grid.tenant as t on t.tenant_id = r.tenant_id
cross join lateral (select public.time_bucket(interval '15 minutes', now()) as window_start) as now_in
left join tariff.price as p on p.region_id = r.region_id and p.window_start = now_in.window_start
left join lateral (
    select c.base_price
    from tariff.plan as c
    where
        c.tenant_id = r.tenant_id
        and (c.region_id = r.region_id or c.region_id is null)
        and c.validity @> now_in.window_start
    order by c.region_id nulls last
    limit 1
) as plan on true
where r.periods @> now();
grant select on api.current_tariffs to consumer, operator, admin;
comment on view api.current_tariffs is
$$What a kWh costs now

One row a region: the published price of the current window, or the plan's base price while none is published. Null: there
is no plan either.$$;
comment on column api.current_tariffs.region is 'Code of the region.';
comment on column api.current_tariffs.window_start is 'Start of the current 15 minutes, inclusive.';
comment on column api.current_tariffs.window_end is 'Their end, exclusive.';
comment on column api.current_tariffs.price is 'Price of a kWh used now.';
comment on column api.current_tariffs.multiplier is
'How many times the base price; null when the price was published from outside.';
comment on column api.current_tariffs.currency is 'ISO 4217 code of the price''s currency.';
comment on column api.current_tariffs.published is
'False: no price is published for this window, the base price holds.';
