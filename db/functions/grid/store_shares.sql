-- By key, whatever the planner expects of the many chunks that there are.
create function grid.store_shares(readings grid.reading[], intervals interval[]) returns void
language plpgsql
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
begin
    update grid.reading as o
    set whole = g.energy, energy = s.share
    from unnest(store_shares.readings) with ordinality as g
    cross join lateral grid.window_shares(g.ts, g.energy, store_shares.intervals[g.ordinality]) as s
    where s.starts_at = g.ts and o.meter_id = g.meter_id and o.ts = g.ts;

    insert into grid.reading (ts, meter_id, energy, voltage, current, quality, part_of)
    select s.starts_at, g.meter_id, s.share, g.voltage, g.current, g.quality, g.ts
    from unnest(store_shares.readings) with ordinality as g
    cross join lateral grid.window_shares(g.ts, g.energy, store_shares.intervals[g.ordinality]) as s
    where s.starts_at > g.ts
    order by g.meter_id, s.starts_at;
end;
$$;
revoke all on function grid.store_shares(grid.reading[], interval[]) from public;
comment on function grid.store_shares(grid.reading[], interval[]) is
'Spreads readings over the windows that their intervals reach into: a reading keeps what was sent (whole) beside the '
'share of its first window, and the other windows get rows of their own (part_of).';
