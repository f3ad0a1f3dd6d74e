-- By key, whatever the planner expects of the many chunks that there are.
create function grid.store_shares(readings grid.reading[], intervals interval[]) returns void
language plpgsql
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
begin
    with shared as materialized (
        select g.ts, g.meter_id, g.energy, g.voltage, g.current, g.quality, s.starts_at, s.share
        from unnest(store_shares.readings) with ordinality as g
        cross join lateral grid.window_shares(g.meter_id, g.ts, g.energy, store_shares.intervals[g.ordinality]) as s
    ),

    kept as (
        update grid.reading as o
        set whole = s.energy, energy = s.share
        from shared as s
        where s.starts_at = s.ts and o.meter_id = s.meter_id and o.ts = s.ts
    )

    insert into grid.reading (ts, meter_id, energy, voltage, current, quality, part_of)
    select s.starts_at, s.meter_id, s.share, s.voltage, s.current, s.quality, s.ts
    from shared as s
    where s.starts_at > s.ts
    order by s.meter_id, s.starts_at;
end;
$$;
revoke all on function grid.store_shares(grid.reading[], interval[]) from public;
comment on function grid.store_shares(grid.reading[], interval[]) is
'Spreads readings over the windows that their intervals reach into: a reading keeps what was sent (whole) beside the '
'share of its first window, and the other windows get rows of their own (part_of).';
