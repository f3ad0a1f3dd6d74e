-- Security definer: anyone who may insert readings may not change them.
--
-- Meters are looked up by key, as many as there are readings: a plan is made at a session's first insert and serves all
-- that follow, for a few readings or a hundred thousand.
create function grid.spread_readings() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
    spreading constant integer[] := array(
        select t.tenant_id from grid.tenant as t where t.spreads
        union
        select p.tenant_id from grid.past_interval as p where p.spreads
    );
    reaching grid.reading[];
    intervals interval[];
begin
    -- Where intervals divide a quarter of an hour, and for the shares themselves, all ends here.
    if cardinality(spreading) = 0 or not exists (select from inserted as i where i.part_of is null) then
        return null;
    end if;

    select array_agg(i::grid.reading order by i.meter_id, i.ts), array_agg(v.reading_interval order by i.meter_id, i.ts)
    into reaching, intervals
    from inserted as i
    join grid.meter as m on m.meter_id = i.meter_id and m.tenant_id = any (spreading)
    cross join lateral (select grid.interval_at(m.tenant_id, i.ts) as reading_interval) as v
    where i.part_of is null
      and mod(900, extract(epoch from v.reading_interval)) <> 0
      and i.ts + v.reading_interval > grid.window_start(i.ts) + interval '15 minutes';
    if reaching is not null then
        perform grid.store_shares(reaching, intervals);
    end if;
    return null;
end;
$$;

comment on function grid.spread_readings() is
'Trigger: the energy of an interval that reaches into other windows counts in each for its time, in the same '
'transaction (grid.store_shares). Rollups, loads, prices, bills and alerts see nothing but rows of one window.';
