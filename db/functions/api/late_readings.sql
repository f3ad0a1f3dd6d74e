-- Only windows that were restated have late readings, so only those are looked through.
create view api.late_readings with (security_barrier) as
select
    late.code as meter_id,
    g.code as region,
    restated.window_start,
    late.readings,
    trim_scale(late.energy * 0.000001) as energy_kwh,
    late.first_received_at,
    late.last_received_at,
    closed.closed_at as window_closed_at
from grid.region_load as restated
join auth.visible_region as g on g.region_id = restated.region_id
join grid.region_load as closed
    on closed.region_id = restated.region_id and closed.window_start = restated.window_start and closed.revision = 1
cross join
    lateral (
        select
            m.code,
            count(*) as readings,
            sum(r.energy)::bigint as energy,
            min(r.received_at) as first_received_at,
            max(r.received_at) as last_received_at
        from grid.reading as r
        join grid.meter as m on m.meter_id = r.meter_id and m.region_id = restated.region_id
        where
            r.ts >= restated.window_start
            and r.ts < restated.window_start + interval '15 minutes'
            and r.received_at > closed.closed_at
        group by m.code
    ) as late
where restated.revision = 2 and (select auth.sees_tenant());
grant select on api.late_readings to operator, admin;
comment on view api.late_readings is
$$Readings that came after their window was closed

One row a meter and window, while the raw readings are kept. They changed the load (region_loads, revision 2 and up) and no
price. Filter by window_start.$$;
comment on column api.late_readings.meter_id is 'Public name of the meter.';
comment on column api.late_readings.region is 'Code of the meter''s region.';
comment on column api.late_readings.window_start is 'Start of the 15 minutes that the readings belong to.';
comment on column api.late_readings.readings is 'How many came late.';
comment on column api.late_readings.energy_kwh is 'Their energy, kWh.';
comment on column api.late_readings.first_received_at is 'When the first of them was stored.';
comment on column api.late_readings.last_received_at is 'When the last of them was stored.';
comment on column api.late_readings.window_closed_at is 'When the window''s load had been closed.';
