create view api.meters with (security_barrier) as
select
    m.code as meter_id,
    m.region,
    m.kind,
    m.installed_at,
    m.retired_at,
    m.connection_kw,
    nullif(m.visible_from, '-infinity') as owned_from,
    nullif(m.visible_until, 'infinity') as owned_until
from auth.visible_meter as m;
grant select on api.meters to consumer, operator, admin;
comment on view api.meters is
$$Smart meters

Operators see all of the tenant's; consumers their own, one row for each time they owned it.$$;
comment on column api.meters.meter_id is 'Public name of the meter, unique within the tenant.';
comment on column api.meters.region is 'Code of the region that the meter is in.';
comment on column api.meters.kind is 'one_way: only takes energy; two_way: may also feed in (negative energy).';
comment on column api.meters.installed_at is 'Since when the meter is expected to send readings.';
comment on column api.meters.retired_at is 'Since when it is no longer; null while in use.';
comment on column api.meters.owned_from is 'Consumers: since when the meter is yours. Null for operators.';
comment on column api.meters.owned_until is 'Consumers: until when it was yours; null while it is. Null for operators.';
comment on column api.meters.connection_kw is
'What its connection carries, kW; null: as the tenant''s settings say. Readings of more are refused.';
