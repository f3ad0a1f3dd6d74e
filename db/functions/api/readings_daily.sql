create view api.readings_daily with (security_barrier) as
select
    d.meter_code as meter_id,
    d.region,
    d.day,
    d.readings,
    trim_scale(d.energy * 0.000001) as energy_kwh,
    trim_scale(d.energy_peak * 0.000001) as peak_kwh,
    d.first_bucket,
    d.last_bucket
from rollup.visible_day as d;
grant select on api.readings_daily to consumer, operator, admin;
comment on view api.readings_daily is
$$Readings summed per meter and day of the tenant's time zone

A day is 23 or 25 hours long when the clocks change. Complete to this moment. Filter by meter_id
and day.$$;
comment on column api.readings_daily.meter_id is 'Public name of the meter.';
comment on column api.readings_daily.region is 'Code of the meter''s region.';
comment on column api.readings_daily.day is 'Date in the tenant''s time zone.';
comment on column api.readings_daily.readings is 'Number of readings.';
comment on column api.readings_daily.energy_kwh is 'Energy of the day, kWh; negative is fed in.';
comment on column api.readings_daily.peak_kwh is 'Energy of its 15 minutes with the most, kWh.';
comment on column api.readings_daily.first_bucket is 'Start of the first 15 minutes with readings in it.';
comment on column api.readings_daily.last_bucket is 'Start of the last 15 minutes with readings in it.';
