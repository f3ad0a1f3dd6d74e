-- The filter is part of the view, so that a plan kept for every request walks the index of open alerts
-- (auth.plan_mode): filtered by a client, api.alerts is planned for each request, which takes longer than fetching
-- the page.
create view api.open_alerts with (security_barrier) as
select
    a.alert_id,
    a.meter_id,
    a.region,
    a.kind,
    a.severity,
    a.status,
    a.raised_at,
    a.last_seen_at,
    a.occurrences,
    a.energy_kwh,
    a.threshold_kwh,
    a.created_at,
    a.acknowledged_at,
    a.acknowledged_by
from api.alerts as a
where a.status <> 'resolved'
order by a.raised_at desc;
grant select on api.open_alerts to consumer, operator, admin;
comment on view api.open_alerts is
$$Alerts not yet resolved

Those of alerts whose status is active or acknowledged, newest first: what a dashboard shows. Quicker than alerts
filtered by status.$$;
comment on column api.open_alerts.alert_id is 'Number of the alert.';
comment on column api.open_alerts.meter_id is 'Public name of the meter.';
comment on column api.open_alerts.region is 'Code of the region the meter was in.';
comment on column api.open_alerts.kind is
'high: over the threshold in a window; zero or negative: on a one-way meter; silent: no readings.';
comment on column api.open_alerts.severity is 'info, warning or critical.';
comment on column api.open_alerts.status is 'active or acknowledged.';
comment on column api.open_alerts.raised_at is 'End of the window that first showed it.';
comment on column api.open_alerts.last_seen_at is 'End of the latest window that showed it.';
comment on column api.open_alerts.occurrences is 'How often it was seen within the hour.';
comment on column api.open_alerts.energy_kwh is 'Energy of the latest window that showed it, kWh; null when silent.';
comment on column api.open_alerts.threshold_kwh is 'Kind high: the threshold it went over, kWh.';
comment on column api.open_alerts.created_at is 'When the platform noticed.';
comment on column api.open_alerts.acknowledged_at is 'When someone took it up.';
comment on column api.open_alerts.acknowledged_by is 'Who did, for those who may know.';
