create function alert.detect(tenant_id integer, window_start timestamptz) returns integer
language plpgsql
as $$
declare
    seen_at constant timestamptz := detect.window_start + interval '15 minutes';
    raised integer;
    contested jsonb;
begin
    with violation as materialized (
        select v.* from alert.violations(detect.tenant_id, detect.window_start) as v
    ), standing as materialized (
        select a.alert_id, v.energy, v.threshold, v.meter_id, v.kind, a.last_seen_at
        from violation as v
        join alert.alert as a
            on a.meter_id = v.meter_id and a.kind = v.kind and a.quiet_period @> seen_at
    ), added as (
        insert into alert.alert
            (tenant_id, region_id, meter_id, kind, severity, raised_at, quiet_period, last_seen_at, value, threshold)
        select
            detect.tenant_id, v.region_id, v.meter_id, v.kind, v.severity,
            seen_at, alert.quiet_period(seen_at), seen_at, v.energy, v.threshold
        from violation as v
        where not exists (select from standing as s where s.meter_id = v.meter_id and s.kind = v.kind)
        order by v.meter_id
        on conflict do nothing
        returning meter_id, kind
    ), counted as (
        -- Detecting the same window again finds last_seen_at there already, and counts nothing twice.
        update alert.alert as a
        set occurrences = a.occurrences + 1, last_seen_at = seen_at, value = s.energy, threshold = s.threshold
        from standing as s
        where a.alert_id = s.alert_id and a.last_seen_at < seen_at
    )
    select
        (select count(*)::integer from added),
        (
            -- Neither standing when we looked nor added by us: raised by someone else in between.
            select jsonb_agg(v.*)
            from violation as v
            where not exists (select from standing as s where s.meter_id = v.meter_id and s.kind = v.kind)
              and not exists (select from added as d where d.meter_id = v.meter_id and d.kind = v.kind)
        )
    into raised, contested;

    perform alert.raise(detect.tenant_id, c.meter_id, c.kind, c.severity, seen_at, c.energy, c.threshold)
    from jsonb_to_recordset(contested)
        as c (meter_id integer, kind text, severity text, energy bigint, threshold bigint);
    return raised;
end;
$$;
revoke all on function alert.detect(integer, timestamptz) from public;
comment on function alert.detect(integer, timestamptz) is
'Raises what the rules find in a closed window, and counts what has been raised within the hour. '
'Returns the alerts raised. Running it again for the same window changes nothing.';
