create function tariff.cost(
    in_tenant integer,
    in_region integer,
    of_meter integer,
    owned tstzmultirange,
    since timestamptz,
    until timestamptz,
    out energy numeric,
    out amount numeric,
    out windows bigint,
    out windows_priced bigint,
    out energy_unpriced numeric,
    out windows_unpriced bigint
)
language plpgsql stable
-- A month's windows meet a month's prices: planned for unknown times it looks like a few of each.
set enable_nestloop = off
as $$
declare
    owned_throughout constant boolean := owned @> tstzrange(since, until + interval '15 minutes');
begin
    -- Once for each window: the sums below ask for its price three times.
    with priced as materialized (
        select
            b.energy,
            p.price as published,
            coalesce(
                p.price, (select plan.base_price from tariff.plan_at(in_tenant, in_region, b.bucket) as plan)
            ) as price
        from rollup.reading_15m as b
        left join tariff.price as p
            on p.region_id = in_region and p.window_start = b.bucket and p.window_start >= since
                and p.window_start < until
        where
            b.meter_id = of_meter and b.bucket >= since and b.bucket < until
            and (owned_throughout or owned @> tstzrange(b.bucket, b.bucket + interval '15 minutes'))
    )

    select
        coalesce(sum(w.energy), 0),
        -- What has no price is no part of the amount, and is told beside it.
        case when count(*) = 0 then 0 else sum(w.energy * w.price) end,
        count(*), count(w.published),
        coalesce(sum(w.energy) filter (where w.price is null), 0),
        count(*) filter (where w.price is null)
    into energy, amount, windows, windows_priced, energy_unpriced, windows_unpriced
    from priced as w;
end;
$$;
revoke all on function tariff.cost(integer, integer, integer, tstzmultirange, timestamptz, timestamptz) from public;
grant execute on function tariff.cost(integer, integer, integer, tstzmultirange, timestamptz, timestamptz) to segs_api;
comment on function tariff.cost(integer, integer, integer, tstzmultirange, timestamptz, timestamptz) is
'What a meter used between since and until, in the 15 minutes that lie in owned, each at its own price: the '
'published one, else (looked up for these alone) the base price of the plan that held. energy in mWh; amount in '
'millionths of the currency unit, not rounded, of what has a price, null when nothing of it has; windows with '
'readings, those with a published price, and those with neither price nor plan: their energy is in energy_unpriced.';
