create function rollup.next_buckets(name text, out since timestamptz, out until timestamptz)
language plpgsql stable
set enable_seqscan = off -- the index on ts knows ranges, not order: see rollup.newest_reading
as $$
declare
    d rollup.definition;
    closed timestamptz;
    first_reading timestamptz;
begin
    select * into strict d from rollup.definition as x where x.name = next_buckets.name;
    if d.source is null then
        closed := d.threshold;
    else
        select case when isfinite(s.materialised_until) then public.time_bucket(d.width, s.materialised_until)
            else s.materialised_until end
        into strict closed
        from rollup.definition as s
        where s.name = d.source;
    end if;
    if closed <= d.materialised_until then
        return;
    end if;
    until := closed;

    -- At most 60 buckets a step, so that catching up after a long downtime is many small transactions. Mostly the next
    -- ones have readings; if not, the step begins where they go on.
    if isfinite(d.materialised_until) and exists (
        select from grid.reading as r
        where r.ts >= d.materialised_until and r.ts < least(closed, d.materialised_until + 60 * d.width)
    ) then
        first_reading := d.materialised_until;
    else
        select r.ts into first_reading
        from grid.reading as r
        where r.ts >= d.materialised_until and r.ts < closed
        order by r.ts
        limit 1;
    end if;
    if first_reading is not null then
        since := public.time_bucket(d.width, first_reading);
        until := least(closed, since + 60 * d.width);
    end if;
end;
$$;

comment on function rollup.next_buckets(text) is
'The next closed buckets of a rollup that are to be materialised: from since, null where none has readings, to before '
'until, null where there are none.';
