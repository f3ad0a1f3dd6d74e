create function alert.detect(
    tenant_id integer, window_start timestamptz, totals grid.window_total[] default null
) returns integer
language plpgsql
as $$
declare
    seen_at constant timestamptz := detect.window_start + interval '15 minutes';
    quiet constant tstzrange := alert.quiet_period(seen_at);
    raised integer;
    contested jsonb;
begin
    -- Every step is linear in the violations, whatever the planner expects: in an outage all meters are silent.
    with violation as materialized (
        select v.*, a.alert_id
        from alert.violations(detect.tenant_id, detect.window_start, detect.totals) as v
        left join lateral (
            -- The alert that tells of the window already; the one in whose hour it ends; else, as it came late, the
            -- one whose hour begins before an hour from here would end.
            select s.alert_id
            from alert.alert as s
            where s.meter_id = v.meter_id and s.kind = v.kind and s.withdrawn_reason is null
              and s.raised_at > seen_at - interval '2 hours' and s.raised_at < seen_at + interval '2 hours'
              and s.quiet_period && quiet
            order by alert.tells_of(s.sightings, seen_at) desc, s.quiet_period @> seen_at desc, s.raised_at
            limit 1
        ) as a on true
    ),

    added as (
        insert into alert.alert (
            tenant_id, region_id, meter_id, meter_code, kind, severity, raised_at, quiet_period, last_seen_at, value,
            threshold, sightings
        )
        select
            detect.tenant_id, v.region_id, v.meter_id, v.meter_code, v.kind, v.severity,
            seen_at, quiet, seen_at, v.energy, v.threshold,
            array[row(seen_at, v.energy, v.threshold)::alert.sighting]
        from violation as v
        where v.alert_id is null
        order by v.meter_id
        on conflict do nothing
        returning meter_id
    ),

    counted as (
        -- Detecting the same window again finds it told already, and counts nothing twice; a late reading may have
        -- changed its energy.
        update alert.alert as a
        set
            occurrences = a.occurrences + (not alert.tells_of(a.sightings, seen_at))::integer,
            (sightings, raised_at, last_seen_at, value, threshold) = (
                select t.* from alert.told_by(alert.with_sighting(a.sightings, seen_at, v.energy, v.threshold)) as t
            )
        from violation as v
        where a.alert_id = v.alert_id
          and not row(seen_at, v.energy, v.threshold)::alert.sighting = any (a.sightings)
    )

    select
        (select count(*)::integer from added),
        (
            -- Not standing when we looked, and not added by us: raised by someone else in between.
            select jsonb_agg(v.*)
            from violation as v
            where v.alert_id is null and v.meter_id not in (select d.meter_id from added as d)
        )
    into raised, contested;

    perform alert.raise(detect.tenant_id, c.meter_id, c.kind, c.severity, seen_at, c.energy, c.threshold)
    from jsonb_to_recordset(contested)
        as c (meter_id integer, kind text, severity text, energy bigint, threshold bigint);
    return raised;
end;
$$;
revoke all on function alert.detect(integer, timestamptz, grid.window_total[]) from public;
comment on function alert.detect(integer, timestamptz, grid.window_total[]) is
'Raises what the rules find in a closed window, and counts what has been raised within the hour. '
'Returns the alerts raised. Running it again for the same window changes nothing. totals, if the caller has them: see '
'alert.violations.';
