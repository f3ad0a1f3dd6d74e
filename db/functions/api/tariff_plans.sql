create view api.tariff_plans with (security_barrier) as
select
    r.code as region,
    p.name,
    nullif(lower(p.validity), '-infinity') as valid_from,
    nullif(upper(p.validity), 'infinity') as valid_until,
    trim_scale(p.base_price) as base_price,
    trim_scale(p.max_multiplier) as max_multiplier,
    trim_scale(p.high_load * 0.000001) as high_load_kwh,
    t.currency::text as currency
from tariff.plan as p
join grid.tenant as t on t.tenant_id = p.tenant_id
left join grid.region as r on r.region_id = p.region_id;
grant select on api.tariff_plans to consumer, operator, admin;
comment on view api.tariff_plans is
$$How prices are made

price = base_price x multiplier; the multiplier rises from 1 at no load to max_multiplier at high_load_kwh (a base price
below zero stays as it is). For windows whose price was not published from outside.$$;
comment on column api.tariff_plans.region is 'Code of the region; null: every region without a plan of its own.';
comment on column api.tariff_plans.name is 'Name to show.';
comment on column api.tariff_plans.valid_from is 'Since when, inclusive; null: since ever.';
comment on column api.tariff_plans.valid_until is 'Until when, exclusive; null: until further notice.';
comment on column api.tariff_plans.base_price is 'Price of a kWh at no load.';
comment on column api.tariff_plans.max_multiplier is 'Multiplier at the high load and above.';
comment on column api.tariff_plans.high_load_kwh is
'Load of a region in one window at which the multiplier is highest, kWh.';
comment on column api.tariff_plans.currency is 'ISO 4217 code of the prices'' currency.';
