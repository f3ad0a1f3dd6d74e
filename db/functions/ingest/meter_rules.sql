create function ingest.meter_rules(tenant_id integer, codes text[])
returns table (
    code text, meter_id integer, highest bigint, feeds_in boolean, reading_interval interval, stamped text,
    retired_at timestamptz, past_until timestamptz[], past_feeds_in boolean[],
    interval_until timestamptz[], past_interval interval[]
)
language sql stable
as $$
    select
        m.code, m.meter_id, b.highest, m.kind = 'two_way', t.reading_interval, t.stamped, m.retired_at,
        p.past_until, p.past_feeds_in, i.interval_until, i.past_interval
    from grid.tenant as t
    join grid.meter as m on m.tenant_id = t.tenant_id
    cross join lateral (
        -- mWh. A meter that sends more often than every quarter of an hour may have been asked to send less often.
        select ceil(
            coalesce(m.connection_kw, t.connection_kw) * 1000000
            * greatest(extract(epoch from t.reading_interval), 900) / 3600
        )::bigint as highest
    ) as b
    cross join lateral (
        select coalesce(array_agg(upper(o.period) order by o.period), '{}') as past_until,
            coalesce(array_agg(o.kind = 'two_way' order by o.period), '{}') as past_feeds_in
        from grid.meter_past as o where o.meter_id = m.meter_id
    ) as p
    cross join lateral (
        select coalesce(array_agg(o.until order by o.until), '{}') as interval_until,
            coalesce(array_agg(o.reading_interval order by o.until), '{}') as past_interval
        from grid.past_interval as o where o.tenant_id = $1
    ) as i
    where t.tenant_id = $1 and m.code = any ($2)
$$;
revoke all on function ingest.meter_rules(integer, text[]) from public;
comment on function ingest.meter_rules(integer, text[]) is
'What readings of meters may claim: at most the energy (mWh) that its connection carries in an interval, or in a '
'quarter of an hour; negative ones only while it feeds in (now, and until times of the past); none from when it '
'retired; which end of its interval a timestamp is, and how long that is (now, and until times of the past). Unknown '
'meters are absent.';
