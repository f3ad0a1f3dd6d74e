-- The one place that says in which regions someone owned a meter, and when: REST and the relay both ask it.
create view grid.owned_region as
select
    o.tenant_id,
    o.user_id,
    s.region_id,
    range_agg(o.period * s.period) as periods
from grid.meter_ownership as o
cross join
    lateral (
        select p.region_id, p.period from grid.meter_past as p where p.meter_id = o.meter_id
        union all
        select
            m.region_id,
            tstzrange((select max(upper(p.period)) from grid.meter_past as p where p.meter_id = m.meter_id), null)
        from grid.meter as m
        where m.tenant_id = o.tenant_id and m.meter_id = o.meter_id
    ) as s
where o.period && s.period
group by o.tenant_id, o.user_id, s.region_id;
comment on view grid.owned_region is
'Regions of the meters that a user owns or once owned, and when they owned one that stood there.';
comment on column grid.owned_region.periods is
'When the user may know the region''s prices, by the start of their window.';
