create view api.tenants with (security_barrier) as
select
    t.code as tenant,
    t.name,
    t.time_zone,
    t.currency::text as currency,
    t.created_at
from grid.tenant as t
where t.code <> 'platform';
grant select on api.tenants to platform_admin;
comment on view api.tenants is
$$Utility companies on this platform

For platform administrators, who make them (rpc/create_tenant) and see nothing of what is in them.$$;
comment on column api.tenants.tenant is 'Code of the tenant, as tokens name it.';
comment on column api.tenants.name is 'Name to show.';
comment on column api.tenants.time_zone is 'IANA zone in which days and months are counted.';
comment on column api.tenants.currency is 'ISO 4217 code of the prices'' currency.';
comment on column api.tenants.created_at is 'When it was made.';
