create function ingest.judge(tenant_ids integer[], readings jsonb[], stamped text[], at timestamptz)
returns setof ingest.judgement
language sql stable
as $$
    with given as materialized (
        select g.tenant_id, g.reading, g.stamped, g.place, ingest.shape_error(g.reading) as shape_error
        from unnest($1, $2, $3) with ordinality as g (tenant_id, reading, stamped, place)
    ),

    meters as materialized (
        select n.tenant_id, r.*
        from (
            select g.tenant_id, array_agg(distinct g.reading ->> 'meter_id') as codes
            from given as g where g.shape_error is null group by g.tenant_id
        ) as n
        cross join lateral ingest.meter_rules(n.tenant_id, n.codes) as r
    ),

    shaped as materialized (
        select g.*, i.sent, i.ts, m.highest,
            case when m.retired_at is null or i.ts < m.retired_at then m.meter_id end as meter_id,
            coalesce((
                select u.feeds_in from unnest(m.past_until, m.past_feeds_in) as u (until, feeds_in)
                where i.ts < u.until order by u.until limit 1
            ), m.feeds_in) as feeds_in,
            case when g.shape_error is null then ingest.energy(ingest.double(g.reading -> 'kwh')) end as energy
        from given as g
        left join meters as m
            on g.shape_error is null and m.tenant_id = g.tenant_id and m.code = g.reading ->> 'meter_id'
        cross join lateral (
            select
                o.sent,
                o.sent - case when coalesce(g.stamped, m.stamped) = 'end' then coalesce((
                    select u.past_interval from unnest(m.interval_until, m.past_interval) as u (until, past_interval)
                    where o.sent - u.past_interval < u.until order by u.until limit 1
                ), m.reading_interval) else '0' end as ts
            from (
                select case when g.shape_error is null then ingest.instant(g.reading ->> 'timestamp') end as sent
            ) as o
        ) as i
    )

    select s.place, s.tenant_id, s.reading, s.meter_id, s.ts,
        case when s.shape_error is null and j.code is null then s.energy::bigint end,
        case when s.shape_error is null then ingest.real_or_null(s.reading -> 'voltage') end,
        case when s.shape_error is null then ingest.real_or_null(s.reading -> 'current') end,
        case when s.shape_error is null then j.code else 'invalid_reading' end,
        coalesce(s.shape_error, j.message)
    from shaped as s
    cross join ingest.limits as l
    cross join lateral ingest.refusal(l, s.meter_id, s.sent, s.ts, s.energy, s.highest, s.feeds_in, $4) as j
$$;

comment on function ingest.judge(integer[], jsonb[], text[], timestamptz) is
'Readings of tenants, each as a row or refused with code and message, as the HTTP worker judges them. stamped: start, '
'end, or null for what the tenant says.';
