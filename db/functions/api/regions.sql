create view api.regions with (security_barrier) as
select r.code as region, r.name
from auth.visible_region as r;
grant select on api.regions to consumer, operator, admin;
comment on view api.regions is
$$Regions

The regions of your grid that you may see: operators all of them, consumers those of their meters.$$;
comment on column api.regions.region is 'Code of the region, for example north.';
comment on column api.regions.name is 'Name to show.';
