-- The region's code is given, so that it is an expression in its caller's query: an outage raises a hundred thousand.
create function event.alert_payload(a alert.alert, region_code text) returns jsonb
language sql stable
as $$
    select jsonb_build_object(
        'alert_id', a.alert_id,
        'meter_id', a.meter_code,
        'region', region_code,
        'kind', a.kind,
        'severity', a.severity,
        'status', a.status,
        'raised_at', a.raised_at,
        'last_seen_at', a.last_seen_at,
        'occurrences', a.occurrences,
        'energy_kwh', trim_scale(a.value * 0.000001),
        'threshold_kwh', trim_scale(a.threshold * 0.000001),
        'resolution_reason', a.withdrawn_reason
    )
$$;
revoke all on function event.alert_payload(alert.alert, text) from public;
comment on function event.alert_payload(alert.alert, text) is 'What an event says of an alert.';
