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
    seen integer[] := array(
        select v.region_id from auth.visible_region as v
        where v.periods @> $3 and (v.code = $2 or $2 is null)
    );
    plan tariff.plan;
begin
    if $1 is null or $1 not between -1000000000 and 1000000000 then
        raise sqlstate 'PT422' using
            message = 'kwh is not a number between -1000000000 and 1000000000',
            hint = 'Send the energy to price in kWh.';
    end if;
    if $2 is null and cardinality(seen) <> 1 then
        raise sqlstate 'PT422' using
            message = 'There is more than one region to choose from, or none',
            hint = 'Name the region; GET /regions lists those that you may name.';
    end if;
    if cardinality(seen) = 0 then
        perform tariff.refuse_unknown_region($2);
    end if;

    select r.code into region from grid.region as r where r.region_id = seen[1];
    select p.* into plan from tariff.plan_at(seen[1], $3) as p;
    price := trim_scale(tariff.price_at(seen[1], $3));
    select t.currency into currency from grid.tenant as t where t.tenant_id = auth.tenant_id();
    amount := round($1 * price, 2);
    lowest_amount := round($1 * plan.base_price, 2);
    highest_amount := round($1 * plan.base_price * plan.max_multiplier, 2);
    kwh := trim_scale($1);
    at := $3;
end;
$$;
revoke all on function api.estimate_bill(numeric, text, timestamptz) from public;
grant execute on function api.estimate_bill(numeric, text, timestamptz) to consumer, operator, admin;
comment on function api.estimate_bill(numeric, text, timestamptz) is
$$What some energy costs

kwh at the price that holds in a region at a time (default now), and at the lowest and highest price of its plan. Amounts are
exact products, rounded once, to 2 decimals, halves away from zero. The region may be left out by who sees one only. Null
amounts: nobody planned for that time. 404: no such region; 422: not a number, or no region to choose.$$;
