-- However many readings the planner expects: the window at hand is newer than its statistics, which know nothing of it.
-- Loops within loops and sorts would then be chosen for what looks like one row and is a million.
create function grid.window_totals(tenant_id integer, window_start timestamptz)
returns setof grid.window_total
language plpgsql stable rows 10000
set work_mem = '128MB'
set enable_nestloop = off
set enable_sort = off
set plan_cache_mode = force_custom_plan
as $$
declare
    window_end constant timestamptz := window_totals.window_start + interval '15 minutes';
    first_meter integer;
    last_meter integer;
begin
    select min(m.meter_id), max(m.meter_id) into first_meter, last_meter
    from grid.meter as m
    where m.tenant_id = window_totals.tenant_id;
    if grid.reads_by_meter(tenant_id) then
        return query
        select m.meter_id, m.region_id, s.readings, s.energy
        from grid.meters_at(window_totals.tenant_id, window_totals.window_start) as m
        cross join lateral (
            select count(*), coalesce(sum(r.energy), 0)::bigint
            from grid.reading as r
            where r.meter_id = m.meter_id and r.ts >= window_totals.window_start and r.ts < window_end
        ) as s (readings, energy)
        where s.readings > 0 or m.in_service;
        return;
    end if;

    -- Summed first and joined then: each reading is looked up in one hash table only, which is what this costs. The
    -- range of the tenant's keys leaves most readings of other tenants out of it.
    return query
    select m.meter_id, m.region_id, coalesce(s.readings, 0), coalesce(s.energy, 0)
    from grid.meters_at(window_totals.tenant_id, window_totals.window_start) as m
    left join (
        select r.meter_id, count(*) as readings, sum(r.energy)::bigint as energy
        from grid.reading as r
        where r.ts >= window_totals.window_start and r.ts < window_end
          and r.meter_id between first_meter and last_meter
        group by r.meter_id
    ) as s using (meter_id)
    where s.readings > 0 or m.in_service;
end;
$$;

comment on function grid.window_totals(integer, timestamptz) is
'Readings and energy (mWh) of a window for each meter of a tenant that sent any, or had begun to send, was installed
all the while and did not (readings 0).';
