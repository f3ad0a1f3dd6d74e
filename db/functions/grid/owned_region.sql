-- The one place that says in which regions somebody owned a meter, and when: REST and the relay both ask it.
create view grid.owned_region as
select
    o.tenant_id,
    o.user_id,
    m.region_id,
    range_agg(o.period) as periods
from grid.meter_ownership as o
join grid.meter as m on m.tenant_id = o.tenant_id and m.meter_id = o.meter_id
group by o.tenant_id, o.user_id, m.region_id;
comment on view grid.owned_region is
'Regions of the meters that a user owns or once owned, and when they owned one there.';
comment on column grid.owned_region.periods is
'When the user may know the region''s prices, by the start of their window.';
