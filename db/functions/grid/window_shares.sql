create function grid.window_shares(meter_id integer, ts timestamptz, energy bigint, reading_interval interval)
returns table (starts_at timestamptz, share bigint)
language sql stable
as $$
    with piece as (
        select
            greatest(w.window_start, $2) as starts_at,
            extract(epoch from least(w.window_start + interval '15 minutes', $2 + $4) - greatest(w.window_start, $2))
                as seconds
        from generate_series(grid.window_start($2), $2 + $4 - interval '1 microsecond', interval '15 minutes')
            as w (window_start)
    ),

    free as (
        -- Where the meter has sent for itself its own reading counts, and the rest lies on what is left.
        select
            p.starts_at,
            sum(p.seconds) over (order by p.starts_at) as until,
            p.seconds,
            sum(p.seconds) over () as total
        from piece as p
        where p.starts_at = $2
           or not exists (select from grid.reading as r where r.meter_id = $1 and r.ts = p.starts_at)
    )

    -- Differences of what is due until then: each is exact to a milliwatt-hour, and all of them together are.
    select f.starts_at, (floor($3 * f.until / f.total) - floor($3 * (f.until - f.seconds) / f.total))::bigint
    from free as f
$$;
revoke all on function grid.window_shares(integer, timestamptz, bigint, interval) from public;
comment on function grid.window_shares(integer, timestamptz, bigint, interval) is
'How the energy of a reading lies on the windows that its interval reaches into: evenly in time, and exactly.';
