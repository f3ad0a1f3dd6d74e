create view api.latest_readings with (security_barrier) as
select
    m.code as meter_id,
    m.region,
    r.ts as "timestamp",
    trim_scale(r.energy * 0.000001) as energy_kwh,
    r.voltage,
    r.current,
    r.quality
from auth.visible_meter as m
cross join lateral (
    select l.ts, coalesce(l.whole, l.energy) as energy, l.voltage, l.current, l.quality
    from grid.reading as l
    where l.meter_id = m.meter_id and l.ts >= m.visible_from and l.ts < m.visible_until and l.part_of is null
    order by l.ts desc
    limit 1
) as r;
grant select on api.latest_readings to consumer, operator, admin;
comment on view api.latest_readings is
$$The latest reading of every meter

Meters that never sent one are absent.$$;
comment on column api.latest_readings.meter_id is 'Public name of the meter.';
comment on column api.latest_readings.region is 'Code of the meter''s region.';
comment on column api.latest_readings.timestamp is 'Start of the interval measured.';
comment on column api.latest_readings.energy_kwh is 'Energy of the interval, kWh; negative is fed in.';
comment on column api.latest_readings.voltage is 'Mean voltage of the interval, V.';
comment on column api.latest_readings.current is 'Mean current of the interval, A.';
comment on column api.latest_readings.quality is '0 measured, 1 estimated, 2 substituted, 3 corrected.';
