create function event.on_alert_changed() returns trigger
language plpgsql
as $$
begin
    insert into event.log (tenant_id, topic, region_id, meter_id, payload)
    select
        a.tenant_id,
        case when a.status <> b.status then 'alert.' || a.status else 'alert.repeated' end,
        a.region_id,
        a.meter_id,
        event.alert_payload(a)
    from after_change as a
    join before_change as b using (alert_id)
    where a.status <> b.status or a.occurrences > b.occurrences
    order by a.alert_id;
    if found then
        perform event.wake();
    end if;
    return null;
end;
$$;
revoke all on function event.on_alert_changed() from public;
comment on function event.on_alert_changed() is
'Trigger: tells the alerts that a statement saw repeated, acknowledged or resolved.';
