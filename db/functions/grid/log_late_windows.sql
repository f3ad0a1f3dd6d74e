-- Security definer: anyone who may insert readings may not touch the books of the windows.
--
-- The readings lock, shared by every insert until it commits and taken exclusively by grid.seal_windows, leaves no gap:
-- an insert either committed before the sealing, or reads the new sealed_until here. A transaction with an old
-- snapshot cannot read it, and logs everything: what was not late is taken out of the log when its window closes.
create function grid.log_late_windows() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    newest_seal timestamptz;
    fresh_snapshot constant boolean := current_setting('transaction_isolation') = 'read committed';
begin
    perform pg_advisory_xact_lock_shared('grid.reading'::regclass::oid::bigint);
    if fresh_snapshot then
        select max(p.sealed_until) into newest_seal from grid.window_progress as p;
    else
        newest_seal := 'infinity';
    end if;

    -- Ordinary inserts are newer than every seal, and end here.
    if exists (select from inserted as i where i.ts < newest_seal) then
        with late as (
            insert into grid.late_window (tenant_id, meter_id, window_start, readings, energy)
            -- What grid.spread_readings has made of a reading meanwhile is not in inserted: that window is summed again.
            select m.tenant_id, i.meter_id, grid.window_start(i.ts),
                case when not bool_or(s.tenant_id is not null) then count(*) end,
                case when not bool_or(s.tenant_id is not null) then sum(i.energy) end
            from inserted as i
            join grid.meter as m using (meter_id)
            left join grid.window_progress as p using (tenant_id)
            left join (
                select t.tenant_id from grid.tenant as t where t.spreads
                union select o.tenant_id from grid.past_interval as o where o.spreads
            ) as s using (tenant_id)
            where not fresh_snapshot or i.ts < p.sealed_until
            group by 1, 2, 3
            returning meter_id, window_start
        )

        -- A day that is not over when its readings come is not stored before these are committed.
        insert into rollup.late_day (meter_id, window_start)
        select l.meter_id, l.window_start
        from late as l
        join grid.meter as m using (meter_id)
        join grid.tenant as t using (tenant_id)
        left join grid.window_progress as p using (tenant_id)
        left join rollup.day_progress as d using (tenant_id)
        where not fresh_snapshot
           or (l.window_start at time zone t.time_zone)::date < (p.sealed_until at time zone t.time_zone)::date
           -- stored in a time zone that the tenant may return to before the days are forgotten
           or l.window_start < d.ends_at;
    end if;
    return null;
end;
$$;

comment on function grid.log_late_windows() is
'Trigger: logs what an insert added to which meters in sealed windows, for restatement; and which of these are in days '
'that were over.';
