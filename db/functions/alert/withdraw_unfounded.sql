create function alert.withdraw_unfounded(tenant_id integer, meter_id integer, since timestamptz, at timestamptz)
returns void
language plpgsql
as $$
declare
    seen_at timestamptz;
begin
    for seen_at in
        select distinct s.seen_at
        from alert.alert as a
        cross join unnest(a.sightings) as s
        where a.meter_id = $2 and a.status <> 'resolved' and a.last_seen_at > $3
          and s.seen_at - interval '15 minutes' >= $3
        order by s.seen_at
    loop
        perform alert.withdraw($1, seen_at - interval '15 minutes', array(
            -- What was measured is as it was; the rules look at what the meter is.
            select row($2, m.region_id, r.readings, r.energy)::grid.window_total
            from grid.meter as m
            cross join lateral (
                select count(*) as readings, coalesce(sum(x.energy), 0)::bigint as energy
                from grid.reading as x
                where x.meter_id = $2 and x.ts >= seen_at - interval '15 minutes' and x.ts < seen_at
            ) as r
            where m.meter_id = $2
        ), 'the meter was of another kind, or out of service, by then', $4);
    end loop;
end;
$$;
revoke all on function alert.withdraw_unfounded(integer, integer, timestamptz, timestamptz) from public;
comment on function alert.withdraw_unfounded(integer, integer, timestamptz, timestamptz) is
'Takes back what open alerts tell of a meter''s windows since a time and what the rules no longer find there.';
