create view api.alert_thresholds with (security_barrier) as
select
    m.code as meter_id,
    trim_scale(r.threshold * 0.000001) as threshold_kwh,
    r.severity,
    r.enabled,
    r.set_for
from auth.visible_meter as m
left join grid.meter_ownership as o on o.tenant_id = m.tenant_id and o.meter_id = m.meter_id and o.period @> now()
left join lateral (
    select
        l.threshold,
        l.severity,
        l.enabled,
        case
            when l.meter_id is not null and l.user_id is not null then 'owner and meter'
            when l.meter_id is not null then 'meter'
            when l.user_id is not null then 'owner'
            else 'tenant'
        end as set_for
    from alert.rule as l
    where
        l.tenant_id = m.tenant_id and l.kind = 'high'
        and (l.meter_id = m.meter_id or l.meter_id is null)
        and (l.user_id = o.user_id or l.user_id is null)
    -- The order in which alert.violations looks.
    order by
        case when l.meter_id is null and l.user_id is null then 4 when l.meter_id is null then 3
            when l.user_id is null then 2 else 1
        end
    limit 1
) as r on true
where m.visible_from <= now() and m.visible_until > now();
grant select on api.alert_thresholds to consumer, operator, admin;
comment on view api.alert_thresholds is
$$From which energy on an alert is raised

The threshold that holds now for each meter: what its owner set for it, else what was set for the meter, for all of the
owner's, or by the utility for all. Consumers: meters that are yours now. See rpc/set_threshold.$$;
comment on column api.alert_thresholds.meter_id is 'Public name of the meter.';
comment on column api.alert_thresholds.threshold_kwh is 'Energy of 15 minutes above which an alert is raised, kWh.';
comment on column api.alert_thresholds.severity is 'Of the alert: info, warning or critical.';
comment on column api.alert_thresholds.enabled is 'False: no such alert is raised.';
comment on column api.alert_thresholds.set_for is 'owner and meter, meter, owner or tenant: what it was set for.';
