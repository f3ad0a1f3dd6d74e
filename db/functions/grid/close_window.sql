create function grid.close_window(tenant_id integer, window_start timestamptz, at timestamptz default now())
returns void
language plpgsql
set work_mem = '128MB'
as $$
declare
    high constant bigint := alert.lowest_threshold(close_window.tenant_id);
    suspects grid.window_total[];
begin
    -- One pass over the readings for both: the loads, and the few meters that alerts must look at.
    with total as materialized (
        select t.* from grid.window_totals(close_window.tenant_id, close_window.window_start) as t
    ),

    -- What came in since the sealing was logged as late, and is in these sums: one snapshot, so exactly what is.
    counted as (
        delete from grid.late_window as l
        where l.tenant_id = close_window.tenant_id and l.window_start = close_window.window_start
    ),

    begun as (
        update grid.meter as m
        set begins_at = close_window.window_start
        from total as t
        where m.meter_id = t.meter_id and m.tenant_id = close_window.tenant_id
          and m.begins_at is null and t.readings > 0
    ),

    load as (
        insert into grid.region_load (tenant_id, region_id, window_start, revision, energy, meters, readings, closed_at)
        select close_window.tenant_id, r.region_id, close_window.window_start, 1,
            coalesce(s.energy, 0), coalesce(s.meters, 0), coalesce(s.readings, 0), at
        from grid.region as r
        left join (
            select t.region_id, sum(t.energy) as energy, sum(t.readings) as readings,
                count(*) filter (where t.readings > 0) as meters
            from total as t
            group by t.region_id
        ) as s using (region_id)
        where r.tenant_id = close_window.tenant_id
        order by r.region_id
        on conflict do nothing
    )

    select array_agg(row(t.meter_id, t.region_id, t.readings, t.energy)::grid.window_total)
    into suspects
    from total as t
    left join alert.meter_thresholds(close_window.tenant_id) as own using (meter_id)
    where alert.is_suspect(t.readings, t.energy, least(high, own.threshold));

    if suspects is not null
       and not alert.put_off(close_window.tenant_id, close_window.window_start, suspects) then
        perform alert.detect(close_window.tenant_id, close_window.window_start, suspects);
    end if;
end;
$$;

comment on function grid.close_window(integer, timestamptz, timestamptz) is
'Writes the load of every region of a tenant in one sealed window (triggers price the next one) and detects alerts; '
'those of many meters are left to alert.review_due.';
