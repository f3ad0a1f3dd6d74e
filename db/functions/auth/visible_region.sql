create view auth.visible_region as
select
    r.region_id,
    r.tenant_id,
    r.code,
    r.name,
    '{(,)}'::tstzmultirange as periods
from grid.region as r
where (select auth.sees_tenant()) and r.tenant_id = (select auth.tenant_id())
union all
select
    r.region_id,
    r.tenant_id,
    r.code,
    r.name,
    o.periods
from grid.owned_region as o
join grid.region as r on r.tenant_id = o.tenant_id and r.region_id = o.region_id
where
    not (select auth.sees_tenant())
    and o.tenant_id = (select auth.tenant_id())
    and o.user_id = (select auth.user_id());
grant select on auth.visible_region to segs_api;
comment on view auth.visible_region is
'Regions that the caller sees and when: staff all of the tenant''s, always; a consumer those of their meters, '
'while they own one there.';
comment on column auth.visible_region.periods is 'When the caller sees the region''s prices.';
