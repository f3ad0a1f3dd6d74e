create view api.readings_monthly with (security_barrier) as
select
    d.meter_code as meter_id,
    d.region,
    date_trunc('month', d.day::timestamp)::date as month,
    sum(d.readings)::bigint as readings,
    trim_scale(sum(d.energy) * 0.000001) as energy_kwh,
    trim_scale(max(d.energy_peak) * 0.000001) as peak_kwh,
    min(d.first_bucket) as first_bucket,
    max(d.last_bucket) as last_bucket
from rollup.visible_day as d
group by d.meter_code, d.region, d.visible_from, date_trunc('month', d.day::timestamp);
grant select on api.readings_monthly to consumer, operator, admin;
comment on view api.readings_monthly is
$$Readings summed per meter and month of the tenant's time zone

A month begins at midnight there, whatever the season. Complete to this moment. Filter by meter_id
and month.$$;
comment on column api.readings_monthly.meter_id is 'Public name of the meter.';
comment on column api.readings_monthly.region is 'Code of the meter''s region.';
comment on column api.readings_monthly.month is 'First day of the month, in the tenant''s time zone.';
comment on column api.readings_monthly.readings is 'Number of readings.';
comment on column api.readings_monthly.energy_kwh is 'Energy of the month, kWh; negative is fed in.';
comment on column api.readings_monthly.peak_kwh is 'Energy of its 15 minutes with the most, kWh.';
comment on column api.readings_monthly.first_bucket is 'Start of the first 15 minutes with readings in it.';
comment on column api.readings_monthly.last_bucket is 'Start of the last 15 minutes with readings in it.';
