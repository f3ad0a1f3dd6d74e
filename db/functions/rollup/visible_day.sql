-- Where the readings of a day are found, for each meter and time that the caller sees: finished days that are theirs
-- from end to end in the store; the days before, after and at the ends in the buckets. A date is in one of three:
-- before whole_from, from there to before whole_until, later. Stored days that readings came for since, and that are
-- not summed again yet, are read from the buckets too. Buckets are bounded by instants, so that an index finds them, a
-- little widely, then by their date; those of 15 minutes, since not every zone's days begin on a full hour.
create view rollup.visible_day as
select
    m.code as meter_code,
    m.region,
    m.visible_from,
    d.day,
    d.readings,
    d.energy,
    d.energy_peak,
    d.first_bucket,
    d.last_bucket
from auth.visible_meter as m
join grid.tenant as t on t.tenant_id = m.tenant_id
left join rollup.day_progress as p on p.tenant_id = t.tenant_id and p.time_zone = t.time_zone
cross join
    lateral (
        select
            greatest(
                (m.visible_from at time zone t.time_zone)::date + 1, coalesce(p.stored_from, 'infinity')
            ) as whole_from,
            least((m.visible_until at time zone t.time_zone)::date, coalesce(p.stored_until, 'infinity')) as whole_until
    ) as w
cross join
    lateral (
        select coalesce(array_agg(l.day), '{}') as days
        from (
            select distinct (x.window_start at time zone t.time_zone)::date as day
            from rollup.late_day as x
            where x.meter_id = m.meter_id
        ) as l
    ) as late
cross join lateral (
    select s.day, s.readings, s.energy, s.energy_peak, s.first_bucket, s.last_bucket
    from rollup.store_day as s
    where
        s.meter_id = m.meter_id and s.day >= w.whole_from and s.day < w.whole_until
        -- An array: of a subquery here, ChunkAppend would keep one meter's answer (hashed) for the next.
        and s.day <> all(late.days)
    union all
    select b.day, b.readings, b.energy, b.energy_peak, b.first_bucket, b.last_bucket
    from (
        values
        (
            m.visible_from, greatest(m.visible_from + interval '28 hours', coalesce(p.begins_at, 'infinity')),
            '-infinity'::date, w.whole_from
        ),
        (
            case when w.whole_until = p.stored_until then p.ends_at else m.visible_until - interval '28 hours' end,
            'infinity'::timestamptz, greatest(w.whole_from, w.whole_until), 'infinity'::date
        )
        union all
        select
            l.day::timestamp at time zone 'UTC' - interval '28 hours',
            l.day::timestamp at time zone 'UTC' + interval '52 hours',
            l.day,
            l.day + 1
        from unnest(late.days) as l (day)
        where l.day >= w.whole_from and l.day < w.whole_until
    ) as span (since, until, day_from, day_until)
    cross join lateral (
        select
            (r.bucket at time zone t.time_zone)::date as day,
            sum(r.readings)::bigint as readings,
            sum(r.energy)::bigint as energy,
            max(r.energy) as energy_peak,
            min(r.bucket) as first_bucket,
            max(r.bucket) as last_bucket
        from rollup.reading_15m as r
        where
            r.meter_id = m.meter_id
            and r.bucket >= greatest(span.since, m.visible_from)
            and r.bucket < span.until
            and r.bucket <= m.visible_until - interval '15 minutes'
            and (r.bucket at time zone t.time_zone)::date >= span.day_from
            and (r.bucket at time zone t.time_zone)::date < span.day_until
        group by 1
    ) as b
) as d;
grant select on rollup.visible_day to segs_api;
comment on view rollup.visible_day is
'Readings summed per meter that the caller sees and day of the tenant''s time zone, for the time they see it; one row '
'a day and ownership period. Energies in mWh.';
comment on column rollup.visible_day.meter_code is 'Public name of the meter.';
comment on column rollup.visible_day.visible_from is
'From when on the caller sees the meter: tells ownership periods apart.';
comment on column rollup.visible_day.energy_peak is 'Energy of its 15 minutes with the most.';
