create function tariff.read_prices(prices jsonb, at timestamptz)
returns table (entry integer, fault text, since timestamptz, until timestamptz, price numeric)
language sql stable
as $$
    with entries as (
        select
            e.number::integer - 1 as entry,
            e.value as sent,
            e.value ->> 'since' as since,
            e.value ->> 'until' as until,
            e.value ->> 'price' as price
        from jsonb_array_elements($1) with ordinality as e (value, number)
    ),

    -- First what it is written like, so that reading it cannot fail.
    written as (
        select
            e.*,
            case
                when jsonb_typeof(e.sent) <> 'object' then 'is not an object'
                when e.sent - '{since,until,price}'::text[] <> '{}'
                    then 'has a field that is none of since, until, price'
                when e.since is null or not pg_input_is_valid(e.since, 'timestamptz') then 'since is not a time'
                when e.until is not null and not pg_input_is_valid(e.until, 'timestamptz') then 'until is not a time'
                when e.price is null or not pg_input_is_valid(e.price, 'numeric') then 'price is not a number'
            end as fault
        from entries as e
    ),

    meant as (
        select
            w.entry,
            w.fault,
            case when w.fault is null then w.since::timestamptz end as since,
            case when w.fault is null then w.until::timestamptz end as until,
            case when w.fault is null then w.price::numeric end as price
        from written as w
    )

    select
        m.entry,
        case
            when m.fault is not null then m.fault
            when not isfinite(m.since) then 'since is not a time'
            when grid.window_start(m.since) <> m.since then 'since is not the start of a window of 15 minutes'
            when m.since <= $2 then 'since is not in the future: the window has begun'
            when m.until <= m.since then 'until is not after since'
            when m.until > $2 + interval '9600 hours' or m.since > $2 + interval '9600 hours'
                then 'is more than 400 days ahead'
            when grid.window_start(m.until) <> m.until then 'until is not the end of a window of 15 minutes'
            when tariff.price_fault(m.price) is not null then 'price ' || tariff.price_fault(m.price)
        end,
        m.since,
        coalesce(m.until, m.since + interval '15 minutes'),
        m.price
    from meant as m
$$;
revoke all on function tariff.read_prices(jsonb, timestamptz) from public;
grant execute on function tariff.read_prices(jsonb, timestamptz) to segs_api;
comment on function tariff.read_prices(jsonb, timestamptz) is
'Prices from outside ([{"since", "until"?, "price"}]) as they are meant, each with what is wrong with it; windows must '
'begin after a time. Without until: one window.';
