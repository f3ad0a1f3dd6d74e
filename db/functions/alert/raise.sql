create function alert.raise(
    tenant_id integer, meter_id integer, kind text, severity text,
    raised_at timestamptz default now(), value bigint default null, threshold bigint default null
) returns bigint
language plpgsql
as $$
declare
    quiet constant tstzrange := alert.quiet_period(raise.raised_at);
    found_id bigint;
begin
    if not exists (select from grid.meter as m where m.tenant_id = $1 and m.meter_id = $2) then
        raise exception using
            errcode = 'foreign_key_violation', message = format('tenant %s has no meter %s', $1, $2);
    end if;
    -- The constraint decides who raises; the loser waits for the winner, then counts on the winner's row.
    insert into alert.alert (
        tenant_id, region_id, meter_id, meter_code, kind, severity, raised_at, quiet_period, last_seen_at, value, threshold,
        sightings
    )
    select $1, m.region_id, m.meter_id, m.code, $3, $4, $5, quiet, $5, $6, $7,
        array[row($5, $6, $7)::alert.sighting]
    from grid.meters_at($1, $5 - interval '15 minutes') as m
    where m.meter_id = $2
    on conflict do nothing
    returning alert_id into found_id;
    if found_id is not null then
        return found_id;
    end if;

    update alert.alert as a
    set
        occurrences = a.occurrences + 1,
        (sightings, raised_at, last_seen_at, value, threshold) = (
                select t.* from alert.told_by(alert.with_sighting(a.sightings, $5, $6, $7)) as t
            )
    where a.alert_id = (
        select b.alert_id
        from alert.alert as b
        where b.meter_id = $2 and b.kind = $3 and b.quiet_period && quiet and b.withdrawn_reason is null
        order by alert.tells_of(b.sightings, $5) desc, b.quiet_period @> $5 desc, b.raised_at
        limit 1
    )
    returning a.alert_id into found_id;
    return found_id;
end;
$$;
revoke all on function alert.raise(integer, integer, text, text, timestamptz, bigint, bigint) from public;
comment on function alert.raise(integer, integer, text, text, timestamptz, bigint, bigint) is
'Raises one alert, or counts it on the one that the same meter and kind raised within the hour. Returns that '
'alert''s id. '
'Energies in mWh.';
