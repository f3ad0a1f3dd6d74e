-- Security definer: the caller publishes prices of their own tenant and writes nothing else.
create function api.publish_prices(
    inout region text,
    prices jsonb,
    out since timestamptz,
    out until timestamptz,
    out windows integer,
    out published integer,
    out currency text
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    hint constant text := 'Send {"region": "north", "prices": [{"since": "2027-01-01T00:00:00+01:00", "until": '
        '"2027-01-01T01:00:00+01:00", "price": 0.0832}]}; until may be absent: one window.';
    wanted_region integer;
    fault text;
    starts timestamptz[];
    given numeric[];
begin
    select r.region_id into wanted_region from auth.visible_region as r where r.code = $1;
    if wanted_region is null then
        perform tariff.refuse_unknown_region($1);
    end if;
    if jsonb_typeof($2) is distinct from 'array' or jsonb_array_length($2) not between 1 and 3000 then
        raise sqlstate 'PT422' using message = 'prices is not a list of 1 to 3000 prices', hint = hint;
    end if;
    select coalesce(
        (array_agg(format('prices[%s]: %s', r.entry, r.fault) order by r.entry) filter (where r.fault is not null))[1],
        case
            when sum(case when r.fault is null then extract(epoch from r.until - r.since) end) > 3000 * 900
                then 'prices name more than 3000 windows'
        end
    )
    into fault
    from tariff.read_prices($2, now()) as r;
    if fault is null then
        select array_agg(w.at order by w.at), array_agg(r.price order by w.at), min(r.since), max(r.until),
            case when count(*) > count(distinct w.at) then 'prices name a window twice' end
        into starts, given, since, until, fault
        from tariff.read_prices($2, now()) as r
        cross join lateral generate_series(r.since, r.until - interval '1 second', interval '15 minutes') as w (at);
    end if;
    if fault is not null then
        raise sqlstate 'PT422' using message = fault, hint = hint;
    end if;

    published := tariff.publish_given(auth.tenant_id(), wanted_region, starts, given);
    region := $1;
    windows := cardinality(starts);
    select t.currency into currency from grid.tenant as t where t.tenant_id = auth.tenant_id();
end;
$$;
revoke all on function api.publish_prices(text, jsonb) from public;
grant execute on function api.publish_prices(text, jsonb) to operator, admin;
comment on function api.publish_prices(text, jsonb) is
$$Publish prices from outside

Prices of a region for windows that have not begun, such as those of a day-ahead market: prices is a list of since, until
(left out: one window) and price of a kWh, at most 3000 windows. They hold before what the load would make of a plan, may be
negative, and never change. All are published or none; sent again with the same prices, nothing happens. Answers how many
windows were named, and how many are new (published). 404: no such region; 409: a window is published with another price; 422: no
such prices: the message names the entry, counted from 0.$$;
