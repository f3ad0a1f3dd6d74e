create function grid.add_late_readings(tenant_id integer, window_start timestamptz, at timestamptz default now())
returns integer
language plpgsql
set plan_cache_mode = force_custom_plan -- the window decides which chunk, and how
as $$
declare
    added integer;
    judged grid.window_total[];
begin
    -- One statement, one snapshot: a reading and its entry commit together, so every entry taken here has its readings
    -- in the table, and all readings there that are not in the load yet have theirs among the entries.
    with taken as (
        delete from grid.late_window as l
        using grid.meters_at(add_late_readings.tenant_id, add_late_readings.window_start) as m
        where l.tenant_id = add_late_readings.tenant_id and l.window_start = add_late_readings.window_start
          and m.meter_id = l.meter_id
        returning m.region_id, l.meter_id, l.readings, l.energy
    ),

    late as (
        select t.region_id, t.meter_id, sum(t.readings) as readings, sum(t.energy) as energy
        from taken as t
        group by t.region_id, t.meter_id
    ),

    total as materialized (
        select l.*, n.readings as all_readings, n.energy as all_energy
        from late as l
        cross join lateral (
            select count(*) as readings, sum(r.energy)::bigint as energy
            from grid.reading as r
            where r.meter_id = l.meter_id
              and r.ts >= add_late_readings.window_start
              and r.ts < add_late_readings.window_start + interval '15 minutes'
        ) as n
    ),

    change as (
        select t.region_id, sum(t.readings) as readings, sum(t.energy) as energy,
            -- a meter that has no other readings in the window was not counted yet
            count(*) filter (where t.readings = t.all_readings) as meters
        from total as t
        group by t.region_id
    ),

    restated as (
        insert into grid.region_load (tenant_id, region_id, window_start, revision, energy, meters, readings, closed_at)
        select add_late_readings.tenant_id, c.region_id, add_late_readings.window_start, o.revision + 1,
            o.energy + c.energy, o.meters + c.meters, o.readings + c.readings, at
        from change as c
        cross join lateral (
            select l.revision, l.energy, l.meters, l.readings
            from grid.region_load as l
            where l.region_id = c.region_id and l.window_start = add_late_readings.window_start
            order by l.revision desc
            limit 1
        ) as o
        order by c.region_id
        returning region_id
    )

    select
        (select count(*) from restated),
        (
            select array_agg(row(t.meter_id, t.region_id, t.all_readings, t.all_energy)::grid.window_total)
            from total as t
        )
    into added, judged;
    perform alert.review(tenant_id, window_start, judged, at);
    return added;
end;
$$;

comment on function grid.add_late_readings(integer, timestamptz, timestamptz) is
'Adds what came late to the newest load of each region of a closed window, as new revisions, and judges the late '
'meters again: costs these, not the window. Returns how many regions. Only under the lock of '
'grid.restate_late_windows, where every region has a load.';
