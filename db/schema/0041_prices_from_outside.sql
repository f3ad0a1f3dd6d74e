-- migrate:up
-- Prices may come from outside (a day-ahead market), and may be negative. Those come of no plan and no load.
set local role segs_owner;
alter table tariff.plan
drop constraint plan_base_price_check,
-- NaN is greater than every number.
add constraint plan_base_price_check check (base_price between -999999.999999 and 999999.999999);
alter table tariff.price
drop constraint price_price_check,
add constraint price_price_check check (price between -999999.999999 and 999999.999999),
alter column multiplier drop not null,
alter column load_energy drop not null,
alter column plan_id drop not null,
add constraint price_is_made_or_given check (num_nulls(multiplier, load_energy, plan_id) in (0, 3));
comment on column tariff.price.load_energy is
'Load of the window before, mWh, from which the multiplier came; null, as multiplier and plan_id: the price was '
'published from outside (rpc/publish_prices).';
reset role;

-- migrate:down
set local role segs_owner;
alter table tariff.price
drop constraint price_is_made_or_given,
alter column multiplier set not null,
alter column load_energy set not null,
alter column plan_id set not null,
drop constraint price_price_check,
add constraint price_price_check check (price >= 0);
alter table tariff.plan
drop constraint plan_base_price_check,
add constraint plan_base_price_check check (base_price >= 0);
comment on column tariff.price.load_energy is 'Load of the window before, mWh, from which the multiplier came.';
reset role;
