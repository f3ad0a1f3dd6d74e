create function event.on_alert_raised() returns trigger
language plpgsql
-- An event reads alike, whatever zone the session keeps that caused it.
set timezone to 'UTC'
as $$
begin
    insert into event.log (tenant_id, topic, region_id, meter_id, happened, payload)
    select
        a.tenant_id,
        'alert.raised',
        a.region_id,
        a.meter_id,
        event.alert_period(a),
        event.alert_payload(a, (select r.code from grid.region as r where r.region_id = a.region_id))
    from added as a
    order by a.alert_id;
    if found then
        perform event.wake();
    end if;
    return null;
end;
$$;
revoke all on function event.on_alert_raised() from public;
comment on function event.on_alert_raised() is 'Trigger: tells the alerts that a statement raised.';
