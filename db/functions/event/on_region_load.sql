create function event.on_region_load() returns trigger
language plpgsql
as $$
begin
    insert into event.log (tenant_id, topic, region_id, payload)
    select
        l.tenant_id,
        case when l.revision = 1 then 'load.closed' else 'load.restated' end,
        l.region_id,
        jsonb_build_object(
            'region', r.code,
            'window_start', l.window_start,
            'window_end', l.window_start + interval '15 minutes',
            'revision', l.revision,
            'energy_kwh', trim_scale(l.energy * 0.000001),
            'meters', l.meters,
            'readings', l.readings
        )
    from added as l
    join grid.region as r using (region_id)
    order by l.window_start, r.code;
    if found then
        perform event.wake();
    end if;
    return null;
end;
$$;
revoke all on function event.on_region_load() from public;
comment on function event.on_region_load() is 'Trigger: tells the closed and restated loads of a statement.';
