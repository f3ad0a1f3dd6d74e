create function event.tell_loads(loads grid.region_load[]) returns void
language sql
-- An event reads alike, whatever zone the session keeps that caused it.
set timezone to 'UTC'
as $$
    insert into event.log (tenant_id, topic, region_id, happened, payload)
    select
        l.tenant_id,
        case when l.revision = 1 then 'load.closed' else 'load.restated' end,
        l.region_id,
        tstzrange(l.window_start, l.window_start + interval '15 minutes'),
        jsonb_build_object(
            'region', r.code,
            'window_start', l.window_start,
            'window_end', l.window_start + interval '15 minutes',
            'revision', l.revision,
            'energy_kwh', trim_scale(l.energy * 0.000001),
            'meters', l.meters,
            'readings', l.readings
        )
    from unnest(loads) as l
    join grid.region as r using (region_id)
    order by l.window_start, r.code;
    select event.wake();
$$;
revoke all on function event.tell_loads(grid.region_load[]) from public;
comment on function event.tell_loads(grid.region_load[]) is 'Tells closed and restated loads.';
