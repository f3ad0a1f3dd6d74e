create view api.tariffs with (security_barrier) as
select
    r.code as region,
    p.window_start,
    p.window_start + interval '15 minutes' as window_end,
    trim_scale(p.price) as price,
    trim_scale(p.multiplier) as multiplier,
    t.currency::text as currency,
    p.published_at
from tariff.price as p
join auth.visible_region as r on r.region_id = p.region_id and r.periods @> p.window_start
join grid.tenant as t on t.tenant_id = p.tenant_id;
grant select on api.tariffs to consumer, operator, admin;
comment on view api.tariffs is
$$Published prices

The price of every region and window, for good: a published price never changes. Those published from outside
(rpc/publish_prices) reach into the future.$$;
comment on column api.tariffs.region is 'Code of the region.';
comment on column api.tariffs.window_start is 'Start of the 15 minutes that the price is for, inclusive.';
comment on column api.tariffs.window_end is 'Their end, exclusive.';
comment on column api.tariffs.price is 'Price of a kWh used in the window.';
comment on column api.tariffs.multiplier is
'How many times the base price: 1 at no load, more the higher the load before; null when the price was published from '
'outside.';
comment on column api.tariffs.currency is 'ISO 4217 code of the price''s currency.';
comment on column api.tariffs.published_at is 'When the price was published.';
