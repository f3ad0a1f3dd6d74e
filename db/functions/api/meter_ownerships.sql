create view api.meter_ownerships with (security_barrier) as
select
    m.code as meter_id,
    r.code as region,
    u.user_id,
    u.email as user_email,
    u.name as user_name,
    lower(o.period) as owned_from,
    nullif(upper(o.period), 'infinity') as owned_until
from grid.meter_ownership as o
join grid.meter as m on m.tenant_id = o.tenant_id and m.meter_id = o.meter_id
join grid.region as r on r.region_id = m.region_id
join auth.user_account as u on u.user_id = o.user_id
where o.tenant_id = (select auth.tenant_id()) and (select auth.sees_tenant());
grant select on api.meter_ownerships to operator, admin;
comment on view api.meter_ownerships is
$$Who owned which meter, and when

One row a period; a meter has one owner at a time. See rpc/assign_meter and rpc/unassign_meter.$$;
comment on column api.meter_ownerships.meter_id is 'Public name of the meter.';
comment on column api.meter_ownerships.region is 'Code of the region that the meter is in.';
comment on column api.meter_ownerships.user_id is 'The owner''s account.';
comment on column api.meter_ownerships.user_email is 'The owner''s address.';
comment on column api.meter_ownerships.user_name is 'The owner''s name.';
comment on column api.meter_ownerships.owned_from is 'Since when, inclusive.';
comment on column api.meter_ownerships.owned_until is 'Until when, exclusive; null: until further notice.';
