-- Every reading of a sealed day is either in the quarters of an hour, which are complete, or was committed after they
-- were read, and so after the sealing: then it is in rollup.late_day.
create function rollup.store_days() returns boolean
language plpgsql
as $$
declare
    next record;
begin
    -- Tenants that stand at the same day of the same zone, in one pass over its buckets.
    select p.time_zone, p.stored_until as day, p.ends_at as since, u.day_start as until, array_agg(p.tenant_id) as tenants
    into next
    from rollup.day_progress as p
    join grid.window_progress as s using (tenant_id)
    join grid.tenant as t using (tenant_id, time_zone)
    cross join lateral grid.day_start(p.stored_until + 1, p.time_zone) as u (day_start)
    where u.day_start <= s.sealed_until
    group by p.time_zone, p.stored_until, p.ends_at, u.day_start
    order by p.ends_at
    limit 1;
    if not found then
        return false;
    end if;

    insert into rollup.store_day (day, meter_id, readings, energy, energy_peak, first_bucket, last_bucket)
    select next.day, r.meter_id, sum(r.readings)::bigint, sum(r.energy)::bigint, max(r.energy), min(r.bucket), max(r.bucket)
    from rollup.reading_15m as r
    join grid.meter as m on m.meter_id = r.meter_id
    where m.tenant_id = any (next.tenants) and r.bucket >= next.since and r.bucket < next.until
    group by r.meter_id
    order by r.meter_id;
    update rollup.day_progress as p
    set stored_until = next.day + 1, ends_at = next.until
    where p.tenant_id = any (next.tenants);
    return true;
end;
$$;

comment on function rollup.store_days() is
'Days, step 3: stores the oldest day that is over and not stored yet, of all tenants that stand there; false when '
'there is none.';
