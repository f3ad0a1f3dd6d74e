-- A trigger's plan is made at its first statement and serves all that follow, for one alert or for those of a hundred
-- thousand silent meters. So before and after are matched by sorting, never row by row.
create function event.on_alert_changed() returns trigger
language plpgsql
-- An event reads alike, whatever zone the session keeps that caused it.
set timezone to 'UTC'
as $$
begin
    insert into event.log (tenant_id, topic, region_id, meter_id, happened, payload)
    select
        (c.a).tenant_id,
        case
            when (c.a).status <> (c.b).status then 'alert.' || (c.a).status
            when (c.a).occurrences > (c.b).occurrences then 'alert.repeated'
            else 'alert.corrected'
        end,
        (c.a).region_id,
        (c.a).meter_id,
        event.alert_period(c.a),
        event.alert_payload(c.a, (select r.code from grid.region as r where r.region_id = (c.a).region_id))
    from (
        select u.version, u.a, lag(u.a) over (partition by u.alert_id order by u.version) as b
        from (
            select 1 as version, o.alert_id, o::alert.alert as a from before_change as o
            union all
            select 2, n.alert_id, n::alert.alert from after_change as n
        ) as u
    ) as c
    where c.version = 2 and (
        (c.a).status <> (c.b).status or (c.a).occurrences <> (c.b).occurrences or (c.a).sightings <> (c.b).sightings
    )
    order by (c.a).alert_id;
    if found then
        perform event.wake();
    end if;
    return null;
end;
$$;
revoke all on function event.on_alert_changed() from public;
comment on function event.on_alert_changed() is
'Trigger: tells the alerts that a statement saw repeated, corrected, acknowledged or resolved.';
