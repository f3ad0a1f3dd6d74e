-- Security definer: the caller adds plans of their own tenant and writes nothing else.
create function api.create_tariff_plan(
    name text,
    base_price numeric,
    region text default null,
    valid_from timestamptz default now(),
    valid_until timestamptz default null,
    max_multiplier numeric default 2,
    high_load_kwh numeric default 1000
) returns api.tariff_plans
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted_region integer;
    fault text;
    created integer;
    answer api.tariff_plans;
begin
    select r.region_id into wanted_region from auth.visible_region as r where r.code = $3;
    if $3 is not null and wanted_region is null then
        perform tariff.refuse_unknown_region($3);
    end if;
    fault := case
        when coalesce(length($1), 0) not between 1 and 200 or $1 ~ '[[:cntrl:]]'
            then 'name is not 1 to 200 characters long, in one line'
        when tariff.price_fault($2) is not null then 'base_price ' || tariff.price_fault($2)
        when ($6 between 1 and 99.999) is not true then 'max_multiplier is not a number between 1 and 99.999'
        when $6 <> round($6, 3) then 'max_multiplier has more than 3 decimals'
        when $2 * $6 > 999999.999999 then 'base_price x max_multiplier is more than 999999.999999'
        when ($7 between 0.000001 and 9000000000) is not true
            then 'high_load_kwh is not an energy between 0.000001 and 9000000000'
        when not isfinite($4) or not isfinite($5) then 'valid_from or valid_until is not a time'
        when coalesce($4 >= $5, false) then 'valid_from is not before valid_until'
    end;
    if fault is not null then
        raise sqlstate 'PT422' using message = fault, hint = 'price = base_price x multiplier, which rises from 1 at no '
            'load to max_multiplier at high_load_kwh.';
    end if;

    created := tariff.create_plan(
        auth.tenant_id(), wanted_region, $1, tstzrange($4, $5, '[)'), $2, $6, round($7 * 1000000)::bigint
    );
    select r.code, p.name, lower(p.validity), upper(p.validity), trim_scale(p.base_price),
        trim_scale(p.max_multiplier), trim_scale(p.high_load * 0.000001), t.currency::text
    into answer
    from tariff.plan as p
    join grid.tenant as t on t.tenant_id = p.tenant_id
    left join grid.region as r on r.region_id = p.region_id
    where p.plan_id = created;
    return answer;
end;
$$;
revoke all on function api.create_tariff_plan(
    text, numeric, text, timestamptz, timestamptz, numeric, numeric
) from public;
grant execute on function api.create_tariff_plan(
    text, numeric, text, timestamptz, timestamptz, numeric, numeric
) to operator, admin;
comment on function api.create_tariff_plan(text, numeric, text, timestamptz, timestamptz, numeric, numeric) is
$$Plan prices

Takes name, base_price (up to 6 decimals; may be negative) and, if need be, region (left out: every region without a plan of its own), valid_from (default now),
valid_until (default: until further notice), max_multiplier (2), high_load_kwh (1000). Published prices stay. 404: no such
region; 409: it overlaps with another plan of the same region; 422: not such figures.$$;
