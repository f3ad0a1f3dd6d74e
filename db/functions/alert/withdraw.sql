create function alert.withdraw(
    tenant_id integer, window_start timestamptz, totals grid.window_total[], reason text, at timestamptz
) returns integer
language plpgsql
set plan_cache_mode = force_custom_plan -- one meter or a hundred thousand
as $$
declare
    seen_at constant timestamptz := withdraw.window_start + interval '15 minutes';
    withdrawn integer;
begin
    with found as materialized (
        select v.meter_id, v.kind from alert.violations(withdraw.tenant_id, withdraw.window_start, withdraw.totals) as v
    ),

    disproved as materialized (
        select a.alert_id
        from unnest(withdraw.totals) as t
        join alert.alert as a on a.meter_id = t.meter_id
        where a.tenant_id = withdraw.tenant_id and a.status <> 'resolved'
          -- An alert's windows lie within two hours.
          and a.raised_at > seen_at - interval '2 hours' and a.raised_at <= seen_at and a.last_seen_at >= seen_at
          and alert.tells_of(a.sightings, seen_at)
          and not exists (select from found as f where f.meter_id = a.meter_id and f.kind = a.kind)
    ),

    -- Said from the row as it is now: since we looked, a person may have settled it, or someone counted.
    told as (
        update alert.alert as a
        set
            (sightings, raised_at, last_seen_at, value, threshold) = (
                select t.*
                from alert.told_by(
                    case when cardinality(a.sightings) = 1 then a.sightings
                        else alert.without_sighting(a.sightings, seen_at)
                    end
                ) as t
            ),
            occurrences = case when cardinality(a.sightings) = 1 then a.occurrences
                else greatest(a.occurrences - 1, cardinality(a.sightings) - 1)
            end,
            status = case when cardinality(a.sightings) = 1 then 'resolved' else a.status end,
            resolved_at = case when cardinality(a.sightings) = 1 then withdraw.at end,
            withdrawn_reason = case when cardinality(a.sightings) = 1 then withdraw.reason end
        from disproved as d
        where a.alert_id = d.alert_id and a.status <> 'resolved'
        returning a.status
    )

    select count(*)::integer into withdrawn from told as t where t.status = 'resolved';
    return withdrawn;
end;
$$;
revoke all on function alert.withdraw(integer, timestamptz, grid.window_total[], text, timestamptz) from public;
comment on function alert.withdraw(integer, timestamptz, grid.window_total[], text, timestamptz) is
'Takes back what alerts tell of a window that it does not show, for the meters whose totals are given. An alert that '
'no other window shows is withdrawn, with the reason; what a person has settled stays. Returns how many were.';
