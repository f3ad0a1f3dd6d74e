create view api.region_loads with (security_barrier) as
select
    r.code as region,
    l.window_start,
    l.window_start + interval '15 minutes' as window_end,
    trim_scale(l.energy * 0.000001) as energy_kwh,
    l.meters,
    l.readings,
    l.revision,
    l.closed_at
from grid.region_load as l
join auth.visible_region as r on r.region_id = l.region_id
where not exists (
        select from grid.region_load as newer
        where newer.region_id = l.region_id and newer.window_start = l.window_start and newer.revision > l.revision
    );
grant select on api.region_loads to operator, admin;
comment on view api.region_loads is
$$Load of each region in each closed 15-minute window

The newest revision: late readings restate a load. Prices keep to the first.$$;
comment on column api.region_loads.region is 'Code of the region.';
comment on column api.region_loads.window_start is 'Start of the window, inclusive.';
comment on column api.region_loads.window_end is 'End of the window, exclusive.';
comment on column api.region_loads.energy_kwh is 'Energy of all meters of the region, kWh, exact.';
comment on column api.region_loads.meters is 'Meters that sent at least one reading.';
comment on column api.region_loads.readings is 'Readings counted.';
comment on column api.region_loads.revision is '1 when the window closed; more after late readings.';
comment on column api.region_loads.closed_at is 'When this revision was made.';
