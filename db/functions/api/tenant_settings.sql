create view api.tenant_settings with (security_barrier) as
select
    t.code as tenant,
    t.name,
    t.time_zone,
    t.currency::text as currency,
    extract(epoch from t.reading_interval)::integer as reading_interval_seconds,
    t.connection_kw,
    t.stamped
from grid.tenant as t
where t.tenant_id = (select auth.tenant_id());
grant select on api.tenant_settings to consumer, operator, admin;
comment on view api.tenant_settings is
$$Your utility company

One row. See rpc/update_tenant_settings.$$;
comment on column api.tenant_settings.tenant is 'Code of the tenant, as tokens name it.';
comment on column api.tenant_settings.name is 'Name to show.';
comment on column api.tenant_settings.time_zone is 'IANA zone in which days and months are counted.';
comment on column api.tenant_settings.currency is 'ISO 4217 code of the prices'' currency.';
comment on column api.tenant_settings.reading_interval_seconds is
'Length of the interval of a reading, and how often a meter is expected to send, seconds.';
comment on column api.tenant_settings.connection_kw is
'What the connection of a meter carries, kW, where the meter has no value of its own.';
comment on column api.tenant_settings.stamped is
'start or end: which end of its interval the timestamp of a reading is, where the device has no setting of its own.';
