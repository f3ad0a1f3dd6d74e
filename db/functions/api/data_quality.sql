create view api.data_quality with (security_barrier) as
select
    m.code as meter_id,
    m.region,
    d.day,
    n.expected,
    coalesce(got.readings, 0) as received,
    greatest(n.expected - coalesce(got.readings, 0), 0) as missing,
    round(100.0 * least(coalesce(got.readings, 0), n.expected) / nullif(n.expected, 0), 2) as complete_percent
from auth.visible_meter as m
join grid.tenant as t on t.tenant_id = m.tenant_id
cross join
    lateral (
        select (now() at time zone t.time_zone)::date - ago.days as day from generate_series(0, 34) as ago (days)
    ) as d
cross join
    lateral (
        select grid.day_start(d.day, t.time_zone) as starts, grid.day_start(d.day + 1, t.time_zone) as ends
    ) as b
cross join
    lateral (
        select
            -- An interval that reaches into other windows counts in each of them: see grid.spread_readings.
            greatest(
                floor(l.seconds / i.seconds) + floor(l.seconds / 900) - floor(l.seconds / lcm(i.seconds, 900)), 0
            )::bigint as expected
        from (select extract(epoch from t.reading_interval) as seconds) as i
        cross join
            lateral (
                select extract(epoch from least(b.ends, m.retired_at, now()) - greatest(b.starts, m.installed_at))
                    as seconds
            ) as l
    ) as n
cross join
    lateral (
        select sum(r.readings)::bigint as readings
        from rollup.reading_15m as r
        where r.meter_id = m.meter_id and r.bucket >= b.starts and r.bucket < b.ends
    ) as got
where m.installed_at < b.ends and (m.retired_at is null or m.retired_at > b.starts);
grant select on api.data_quality to operator, admin;
comment on view api.data_quality is
$$Readings expected and received, per meter and day

The last 35 days of the tenant's time zone, as long as a reading may still come in. Expected is one in every reading interval
(rpc/update_tenant_settings) since the meter was installed, today until now; one that reaches into several quarters of an hour counts once in each. Filter by day and meter_id, or by
complete_percent=lt.95.$$;
comment on column api.data_quality.meter_id is 'Public name of the meter.';
comment on column api.data_quality.region is 'Code of the meter''s region.';
comment on column api.data_quality.day is 'Date in the tenant''s time zone.';
comment on column api.data_quality.expected is 'Readings expected of the day, until now.';
comment on column api.data_quality.received is 'Readings received, duplicates not counted.';
comment on column api.data_quality.missing is 'How many fewer were received than expected.';
comment on column api.data_quality.complete_percent is 'Received of expected, at most 100; null when none is expected.';
