create view api.alert_rules with (security_barrier) as
select
    a.kind,
    m.code as meter_id,
    u.email as user_email,
    trim_scale(a.threshold * 0.000001) as threshold_kwh,
    a.severity,
    a.enabled
from alert.rule as a
left join grid.meter as m on m.meter_id = a.meter_id
left join auth.user_account as u on u.user_id = a.user_id
-- A consumer's rules: their own, and those of meters that are theirs now (not what another owner wanted of them).
where
    (select auth.sees_tenant())
    or a.user_id = (select auth.user_id())
    or exists (
        select from auth.visible_meter as v
        where a.user_id is null and v.meter_id = a.meter_id and v.visible_from <= now() and v.visible_until > now()
    );
grant select on api.alert_rules to consumer, operator, admin;
comment on view api.alert_rules is
$$What raises alerts

An owner's rule for one meter beats the meter's (user_email null), which beats the owner's for all their meters (meter_id
null), which beats the tenant's (both null).$$;
comment on column api.alert_rules.kind is 'high, zero, negative or silent.';
comment on column api.alert_rules.meter_id is 'The meter it is for; null: not for one meter.';
comment on column api.alert_rules.user_email is 'The owner whose meters it is for; null: not for one owner.';
comment on column api.alert_rules.threshold_kwh is
'Kind high: energy of one window above which the alert is raised, kWh.';
comment on column api.alert_rules.severity is 'info, warning or critical.';
comment on column api.alert_rules.enabled is 'False: what it is for raises no such alert.';
