create function tariff.price_at(region_id integer, at timestamptz default now()) returns numeric
language sql stable
as $$
    select coalesce(
        (select p.price from tariff.price as p where p.region_id = $1 and p.window_start = grid.window_start($2)),
        (select p.base_price from tariff.plan_at($1, $2) as p)
    )
$$;
revoke all on function tariff.price_at(integer, timestamptz) from public;
grant execute on function tariff.price_at(integer, timestamptz) to segs_api;
comment on function tariff.price_at(integer, timestamptz) is
'Price of a kWh in a region at a time, tenant currency: the published one, else the plan''s base price; null '
'without a plan.';
