create view api.readings with (security_barrier) as
select
    m.code as meter_id,
    m.region,
    r.ts as "timestamp",
    trim_scale(coalesce(r.whole, r.energy) * 0.000001) as energy_kwh,
    r.voltage,
    r.current,
    r.quality,
    r.received_at
from auth.visible_meter as m
join grid.reading as r on r.meter_id = m.meter_id and r.ts >= m.visible_from and r.ts < m.visible_until
where r.part_of is null;
grant select on api.readings to consumer, operator, admin;
comment on view api.readings is
$$Raw readings

As the meters sent them, duplicates removed. Filter by meter_id and timestamp; for longer times use the rollups
readings_1m, readings_15m and readings_1h.$$;
comment on column api.readings.meter_id is 'Public name of the meter.';
comment on column api.readings.region is 'Code of the meter''s region.';
comment on column api.readings.timestamp is 'Start of the interval measured.';
comment on column api.readings.energy_kwh is 'Energy of the interval, kWh; negative is fed in.';
comment on column api.readings.voltage is 'Mean voltage of the interval, V.';
comment on column api.readings.current is 'Mean current of the interval, A.';
comment on column api.readings.quality is '0 measured, 1 estimated, 2 substituted, 3 corrected.';
comment on column api.readings.received_at is 'When the platform stored it.';
