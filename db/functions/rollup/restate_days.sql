create function rollup.restate_days(max_entries integer default 20000) returns integer
language plpgsql
set plan_cache_mode = force_custom_plan -- the days decide which chunks
as $$
declare
    taken integer;
begin
    -- One statement, one snapshot: a reading and its entry commit together, so every entry taken here has its readings
    -- in the sums. Readings are only ever added: a day that would lose some stays, since its quarters of an hour were
    -- dropped.
    with due as (
        -- What came for a day that is not stored yet waits until it is: the storing may not have seen it.
        select l.ctid, l.meter_id, p.time_zone, p.stored_from, (l.window_start at time zone p.time_zone)::date as day
        from rollup.late_day as l
        join grid.meter as m using (meter_id)
        join grid.tenant as t using (tenant_id)
        join rollup.day_progress as p using (tenant_id, time_zone)
        where (l.window_start at time zone p.time_zone)::date < p.stored_until
        limit max_entries
    ),

    taken as (
        delete from rollup.late_day as l
        using due as d
        where l.ctid = d.ctid
        returning d.meter_id, d.day, d.time_zone, d.stored_from
    ),

    changed as (
        select distinct t.meter_id, t.day, t.time_zone
        from taken as t
        where t.day >= t.stored_from
    ),

    bounds as materialized (
        select d.day, d.time_zone, grid.day_start(d.day, d.time_zone) as since,
            grid.day_start(d.day + 1, d.time_zone) as until
        from (select distinct c.day, c.time_zone from changed as c) as d
    ),

    stored as (
        insert into rollup.store_day as o (day, meter_id, readings, energy, energy_peak, first_bucket, last_bucket)
        select c.day, c.meter_id, n.*
        from changed as c
        join bounds as b using (day, time_zone)
        cross join lateral (
            select sum(r.readings)::bigint, sum(r.energy)::bigint, max(r.energy), min(r.bucket), max(r.bucket)
            from rollup.reading_15m as r
            where r.meter_id = c.meter_id and r.bucket >= b.since and r.bucket < b.until
            having count(*) > 0
        ) as n
        on conflict (meter_id, day) do update
        set readings = excluded.readings, energy = excluded.energy, energy_peak = excluded.energy_peak,
            first_bucket = excluded.first_bucket, last_bucket = excluded.last_bucket
        where excluded.readings >= o.readings
    )

    select count(*) into taken from taken;
    return taken;
end;
$$;

comment on function rollup.restate_days(integer) is
'Days, step 4: sums the stored days again that late readings changed. Returns how many entries of rollup.late_day it '
'took; 0 when there are none left.';
