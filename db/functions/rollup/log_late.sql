-- Security definer: anyone who may insert readings may not touch the rollups' books.
--
-- Every insert holds the readings lock in share mode until it commits; rollup.advance takes it exclusively to move
-- the threshold. So an insert either committed before the move, and is seen by what is materialised after it, or
-- reads the new threshold here. A transaction with an old snapshot cannot read it, and logs everything.
--
-- Continuous aggregates keep a log of their own, but COPY into a table with a trigger like this one writes nothing into
-- it (TimescaleDB 2.23 and later). So both drivers go by this one.
create function rollup.log_late() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    late_before timestamptz;
    spread boolean;
    continuous constant boolean := rollup.driver() = 'continuous_aggregate';
begin
    perform pg_advisory_xact_lock_shared('grid.reading'::regclass::oid::bigint);
    select case when current_setting('transaction_isolation') = 'read committed' then d.threshold else 'infinity' end
    into late_before
    from rollup.definition as d
    where d.source is null;

    if exists (select from inserted as i where i.ts < late_before) then
        -- What grid.spread_readings has made of a reading meanwhile is not in inserted.
        spread := exists (select from grid.tenant as t where t.spreads)
            or exists (select from grid.past_interval as p where p.spreads);
        insert into rollup.late (name, meter_id, bucket, readings, energy, energy_min, energy_max)
        select d.name, i.meter_id, public.time_bucket(d.width, i.ts), count(*), sum(s.energy), min(s.energy), max(s.energy)
        from rollup.definition as d
        cross join inserted as i
        cross join lateral (
            select case
                when spread then (select o.energy from grid.reading as o where o.meter_id = i.meter_id and o.ts = i.ts)
                else i.energy
            end as energy
        ) as s
        -- A continuous aggregate cannot be added to, and summed again it would lose what was dropped. Ingest refuses those.
        where i.ts < late_before
          and not (continuous and i.ts < (select coalesce(max(r.dropped_before), '-infinity') from grid.retention as r
              where r.name = 'readings'))
        group by 1, 2, 3;
    end if;
    return null;
end;
$$;

comment on function rollup.log_late() is
'Trigger: logs what an insert added to which meters and buckets below the threshold.';
