-- The one place that says which meters a caller sees, and when. Views over readings and rollups start here, because
-- row-level security does not reach hypertables and continuous aggregates. (The left joins find a row each; written so,
-- PostgreSQL leaves them out of queries that do not ask for the region.)
create view auth.visible_meter as
select
    m.meter_id,
    m.tenant_id,
    m.region_id,
    m.code,
    r.code as region,
    m.kind,
    m.installed_at,
    m.retired_at,
    m.connection_kw,
    '-infinity'::timestamptz as visible_from,
    'infinity'::timestamptz as visible_until
from grid.meter as m
left join grid.region as r on r.region_id = m.region_id
where (select auth.sees_tenant()) and m.tenant_id = (select auth.tenant_id())
union all
select
    m.meter_id,
    m.tenant_id,
    m.region_id,
    m.code,
    r.code as region,
    m.kind,
    m.installed_at,
    m.retired_at,
    m.connection_kw,
    lower(o.period) as visible_from,
    coalesce(upper(o.period), 'infinity') as visible_until
from grid.meter_ownership as o
join grid.meter as m on m.tenant_id = o.tenant_id and m.meter_id = o.meter_id
left join grid.region as r on r.region_id = m.region_id
where
    not (select auth.sees_tenant())
    and o.tenant_id = (select auth.tenant_id())
    and o.user_id = (select auth.user_id());
grant select on auth.visible_meter to segs_api;
comment on view auth.visible_meter is
'Meters that the caller sees and from when until when: staff all of the tenant''s, always; a consumer their own, '
'one row an ownership period.';
comment on column auth.visible_meter.meter_id is 'Internal key.';
comment on column auth.visible_meter.code is 'Public name (meter_id in the API).';
comment on column auth.visible_meter.region is 'Code of the region the meter is in.';
comment on column auth.visible_meter.connection_kw is 'What its connection carries, kW; null: as the tenant says.';
comment on column auth.visible_meter.visible_from is 'First instant the caller sees, inclusive; -infinity for staff.';
comment on column auth.visible_meter.visible_until is 'End of what the caller sees, exclusive; infinity when open.';
