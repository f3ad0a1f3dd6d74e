create function event.alert_payload(a alert.alert) returns jsonb
language sql stable
as $$
    select jsonb_build_object(
        'alert_id', a.alert_id,
        'meter_id', m.code,
        'region', r.code,
        'kind', a.kind,
        'severity', a.severity,
        'status', a.status,
        'raised_at', a.raised_at,
        'last_seen_at', a.last_seen_at,
        'occurrences', a.occurrences,
        'energy_kwh', trim_scale(a.value * 0.000001),
        'threshold_kwh', trim_scale(a.threshold * 0.000001)
    )
    from grid.meter as m
    join grid.region as r on r.region_id = a.region_id
    where m.meter_id = a.meter_id
$$;
revoke all on function event.alert_payload(alert.alert) from public;
comment on function event.alert_payload(alert.alert) is 'What an event says of an alert.';
