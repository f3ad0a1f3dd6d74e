-- Summed from 15 minutes: every zone's days begin on a quarter of an hour, not all on a full hour.
create view api.readings_monthly with (security_barrier) as
select
    m.code as meter_id,
    m.region,
    b.month,
    b.readings,
    trim_scale(b.energy * 0.000001) as energy_kwh,
    trim_scale(b.energy_peak * 0.000001) as peak_kwh,
    b.energy_from as first_bucket,
    b.energy_until as last_bucket
from auth.visible_meter as m
join grid.tenant as t on t.tenant_id = m.tenant_id
cross join lateral (
    select
        date_trunc('month', r.bucket at time zone t.time_zone)::date as month,
        sum(r.readings)::bigint as readings,
        sum(r.energy)::bigint as energy,
        max(r.energy) as energy_peak,
        min(r.bucket) as energy_from,
        max(r.bucket) as energy_until
    from rollup.reading_15m as r
    where
        r.meter_id = m.meter_id
        and r.bucket >= m.visible_from
        and r.bucket <= m.visible_until - interval '15 minutes'
    group by 1
) as b;
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
