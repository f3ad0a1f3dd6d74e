-- The one place that says which alerts a caller sees: two ways to the same rows, of which one is left out when the
-- query starts. Staff: the tenant's. Consumers: those of their meters, fetched meter by meter (the lateral's order
-- keeps it from being merged into the outer query), whatever the filter.
create view alert.visible_alert as
select staff.*, m.code as meter, r.code as region
from alert.alert as staff
join grid.meter as m on m.tenant_id = staff.tenant_id and m.meter_id = staff.meter_id
join grid.region as r on r.region_id = staff.region_id
where (select auth.sees_tenant()) and staff.tenant_id = (select auth.tenant_id())
union all
select own.*, m.code as meter, r.code as region
from auth.visible_meter as m
cross join
    lateral (
        select a.*
        from alert.alert as a
        where
            a.meter_id = m.meter_id
            -- An alert tells of the windows that end from raised_at to last_seen_at. One of windows that the meter
            -- changed hands in belongs to neither: its energy would tell of the other's use.
            and a.raised_at >= m.visible_from + interval '15 minutes' and a.last_seen_at <= m.visible_until
        order by a.raised_at
    ) as own
join grid.region as r on r.region_id = own.region_id
where not (select auth.sees_tenant());
grant select on alert.visible_alert to segs_api;
comment on view alert.visible_alert is
'Alerts that the caller sees: staff all of the tenant''s; a consumer those that tell only of the time they owned the '
'meter.';
comment on column alert.visible_alert.meter is 'Public name of the meter (meter_id in the API).';
comment on column alert.visible_alert.region is 'Code of the region the meter was in.';
