-- In the order that most pages ask for, so that nothing is sorted for them.
create view api.alerts with (security_barrier) as
select
    a.alert_id,
    a.meter_code as meter_id,
    a.region_code as region,
    a.kind,
    a.severity,
    a.status,
    a.raised_at,
    a.last_seen_at,
    a.occurrences,
    trim_scale(a.value * 0.000001) as energy_kwh,
    trim_scale(a.threshold * 0.000001) as threshold_kwh,
    a.created_at,
    a.acknowledged_at,
    a.acknowledger as acknowledged_by,
    a.resolved_at,
    a.resolver as resolved_by,
    case when a.withdrawn_reason is not null then 'withdrawn' when a.status = 'resolved' then 'settled' end
        as resolution,
    a.withdrawn_reason as resolution_reason
from alert.visible_alert as a
order by a.raised_at desc;
grant select on api.alerts to consumer, operator, admin;
comment on view api.alerts is
$$Alerts

What meters did that someone should know. The same meter and kind raises once an hour at most; repeats are counted in
occurrences. Late readings raise what they show, for the time it happened in, and withdraw what they disprove: such an
alert is resolved, with the resolution withdrawn. Filter by severity, kind, meter_id, region, status; see
rpc/acknowledge_alert and rpc/resolve_alert.$$;
comment on column api.alerts.alert_id is 'Number of the alert.';
comment on column api.alerts.meter_id is 'Public name of the meter.';
comment on column api.alerts.region is 'Code of the region the meter was in.';
comment on column api.alerts.kind is
'high: over the threshold in a window; zero or negative: on a one-way meter; silent: no readings.';
comment on column api.alerts.severity is 'info, warning or critical.';
comment on column api.alerts.status is 'active, acknowledged or resolved.';
comment on column api.alerts.raised_at is 'End of the first window that shows it.';
comment on column api.alerts.last_seen_at is 'End of the latest window that shows it.';
comment on column api.alerts.occurrences is
'How often it was seen within the hour; what late readings disprove is taken off.';
comment on column api.alerts.energy_kwh is 'Energy of the latest window that shows it, kWh; null when silent.';
comment on column api.alerts.threshold_kwh is 'Kind high: the threshold it went over, kWh.';
comment on column api.alerts.created_at is 'When the platform noticed.';
comment on column api.alerts.acknowledged_at is 'When someone took it up.';
comment on column api.alerts.acknowledged_by is 'Who did, for those who may know.';
comment on column api.alerts.resolved_at is 'When it was settled.';
comment on column api.alerts.resolved_by is 'Who settled it, for those who may know.';
comment on column api.alerts.resolution is
'settled: by a person; withdrawn: the platform learned that it was not so. Null while not resolved.';
comment on column api.alerts.resolution_reason is 'Why it was withdrawn, in words; null otherwise.';
