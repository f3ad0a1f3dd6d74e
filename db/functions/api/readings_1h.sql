-- A lateral union cannot be merged into the outer query, so each meter's rows are fetched for themselves: meter and
-- time reach the index of every chunk. Without the union, the not yet materialised tail would be summed for all meters.
create view api.readings_1h with (security_barrier) as
select
    m.code as meter_id,
    m.region,
    b.bucket,
    b.readings,
    trim_scale(b.energy * 0.000001) as energy_kwh,
    trim_scale(b.energy_min * 0.000001) as energy_min_kwh,
    trim_scale(b.energy_max * 0.000001) as energy_max_kwh,
    trim_scale(round(b.energy * 0.000001 / b.readings, 6)) as energy_avg_kwh
from auth.visible_meter as m
cross join lateral (
    select r.bucket, r.readings, r.energy, r.energy_min, r.energy_max
    from rollup.reading_1h as r
    where
        r.meter_id = m.meter_id
        and r.bucket >= m.visible_from
        -- A bucket that the meter changed hands in belongs to neither: its sum would tell of the other's use.
        and r.bucket <= m.visible_until - interval '1 hour'
    union all
    select null, null, null, null, null where false
) as b;
grant select on api.readings_1h to consumer, operator, admin;
comment on view api.readings_1h is
$$Readings summed per meter and one hour

Complete to this moment. Filter by meter_id and bucket.$$;
comment on column api.readings_1h.meter_id is 'Public name of the meter.';
comment on column api.readings_1h.region is 'Code of the meter''s region.';
comment on column api.readings_1h.bucket is
'Start of the bucket, inclusive; a reading belongs to the bucket its timestamp is in.';
comment on column api.readings_1h.readings is 'Readings in the bucket.';
comment on column api.readings_1h.energy_kwh is 'Sum of their energy, kWh, exact.';
comment on column api.readings_1h.energy_min_kwh is 'Smallest reading, kWh.';
comment on column api.readings_1h.energy_max_kwh is 'Largest reading, kWh.';
comment on column api.readings_1h.energy_avg_kwh is 'Mean energy of a reading, kWh, rounded to a milliwatt-hour.';
