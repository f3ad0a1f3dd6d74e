-- Security definer: plans and prices are read through private functions, as far as row-level security shows them.
create function api.estimate_bill(
    inout kwh numeric,
    inout region text default null,
    inout at timestamptz default now(),
    out price numeric,
    out amount numeric,
    out lowest_amount numeric,
    out highest_amount numeric,
    out currency text
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    seen record;
    held record;
begin
    if $1 is null or $1 not between -1000000000 and 1000000000 then
        raise sqlstate 'PT422' using
            message = 'kwh is not a number between -1000000000 and 1000000000',
            hint = 'Send the energy to price in kWh.';
    end if;
    if $3 is null or not isfinite($3) then
        raise sqlstate 'PT422' using
            message = 'at is not a time', hint = 'Send a time with a zone, or leave it out for now.';
    end if;
    select count(*) as regions, min(v.region_id) as region_id, min(v.code) as code, min(v.tenant_id) as tenant_id
    into seen
    from auth.visible_region as v
    where v.periods @> $3 and (v.code = $2 or $2 is null);
    if $2 is null and seen.regions <> 1 then
        raise sqlstate 'PT422' using
            message = 'There is more than one region to choose from, or none',
            hint = 'Name the region; GET /regions lists those that you may name.';
    end if;
    if seen.regions = 0 then
        perform tariff.refuse_unknown_region($2);
    end if;

    -- One statement: row-level security asks again who calls, for every table of every statement.
    select t.currency, coalesce(published.price, plan.base_price) as price,
        plan.base_price, plan.base_price * case when plan.base_price > 0 then plan.max_multiplier else 1 end as top_price
    into held
    from grid.tenant as t
    left join tariff.price as published
        on published.region_id = seen.region_id and published.window_start = grid.window_start($3)
    left join lateral tariff.plan_at(seen.tenant_id, seen.region_id, $3) as plan on true
    where t.tenant_id = seen.tenant_id;
    region := seen.code;
    price := trim_scale(held.price);
    currency := held.currency;
    amount := tariff.money($1 * price, currency);
    -- A price from outside keeps to no plan.
    lowest_amount := tariff.money($1 * least(held.base_price, held.price), currency);
    highest_amount := tariff.money($1 * greatest(held.top_price, held.price), currency);
    kwh := trim_scale($1);
    at := $3;
end;
$$;
revoke all on function api.estimate_bill(numeric, text, timestamptz) from public;
grant execute on function api.estimate_bill(numeric, text, timestamptz) to consumer, operator, admin;
comment on function api.estimate_bill(numeric, text, timestamptz) is
$$What some energy costs

kwh at the price that holds in a region at a time (default now), and at the lowest and highest price of its plan (and of that
price). Amounts are exact products, rounded once, to the currency's smallest unit, halves away from zero. The region may be
left out by who sees one only. Null amounts: there is no price and no plan for that time. 404: no such region; 422: not a
number, or no region to choose.$$;
