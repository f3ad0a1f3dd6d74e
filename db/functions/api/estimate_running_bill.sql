-- Security definer: consumption and prices are joined by internal keys, as far as the caller may see either.
create function api.estimate_running_bill(
    inout meter_id text,
    inout at timestamptz default now(),
    out region text,
    out since timestamptz,
    out month_ends timestamptz,
    out energy_kwh numeric,
    out amount numeric,
    out average_price numeric,
    out windows bigint,
    out windows_priced bigint,
    out projected_kwh numeric,
    out projected_amount numeric,
    out currency text,
    out unpriced_kwh numeric,
    out windows_unpriced bigint
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    meter integer;
    in_tenant integer;
    in_region integer;
    owned tstzmultirange;
    zone text;
    first_day date;
    energy numeric;
    unpriced numeric;
    exact numeric;
    passed numeric;
begin
    if $2 is null or not isfinite($2) then
        raise sqlstate 'PT422' using
            message = 'at is not a time', hint = 'Send a time with a zone, or leave it out for now.';
    end if;
    select m.meter_id, m.tenant_id, m.region_id, range_agg(tstzrange(m.visible_from, m.visible_until))
    into meter, in_tenant, in_region, owned
    from auth.visible_meter as m
    where m.code = $1
    group by m.meter_id, m.tenant_id, m.region_id;
    if not found then
        perform grid.refuse_unknown_meter($1);
    end if;
    select t.time_zone, t.currency into zone, currency from grid.tenant as t where t.tenant_id = in_tenant;
    first_day := date_trunc('month', $2 at time zone zone)::date;
    since := grid.day_start(first_day, zone);
    month_ends := grid.day_start((first_day + interval '1 month')::date, zone);

    -- Each window at the price of the region that the meter was in then. No amount where nothing has a price: what has
    -- none is passed over by a sum.
    select
        $1, $2, sum(c.energy), sum(c.windows), sum(c.windows_priced), sum(c.energy_unpriced), sum(c.windows_unpriced),
        case when sum(c.windows_unpriced) < sum(c.windows) or sum(c.windows) = 0 then sum(c.amount) * 0.000001 end
    into meter_id, at, energy, windows, windows_priced, unpriced, windows_unpriced, exact
    from grid.meter_places(in_tenant, meter) as p
    cross join lateral tariff.cost(in_tenant, p.region_id, meter, owned * p.periods, since, $2) as c;

    passed := extract(epoch from $2 - since) / extract(epoch from month_ends - since);
    energy_kwh := trim_scale(energy * 0.000001);
    unpriced_kwh := trim_scale(unpriced * 0.000001);
    amount := tariff.money(exact, currency);
    average_price := trim_scale(round(exact / nullif((energy - unpriced) * 0.000001, 0), 6));
    projected_kwh := trim_scale(round(energy * 0.000001 / nullif(passed, 0), 3));
    if windows_unpriced = 0 then
        projected_amount := tariff.money(exact / nullif(passed, 0), currency);
    end if;
    select r.code into region from grid.region as r where r.region_id = in_region;
end;
$$;
revoke all on function api.estimate_running_bill(text, timestamptz) from public;
grant execute on function api.estimate_running_bill(text, timestamptz) to consumer, operator, admin;
comment on function api.estimate_running_bill(text, timestamptz) is
$$The bill of the running month so far

What a meter used since the month began (in the tenant's time zone) until a time (default now), every 15 minutes at its own
price: the published one, else the plan's base price. Energy fed in counts against it. The amount is an exact sum, rounded
once, to the currency's smallest unit, halves away from zero; the projection assumes that the month goes on as it began.
Energy of windows_unpriced, for which there is neither price nor plan, is not free but not in the amount: unpriced_kwh says
how much it is, and there is no projected_amount; amount is null when nothing has a price. Consumers are billed for the time
that the meter is theirs. 404: no such meter.$$;
