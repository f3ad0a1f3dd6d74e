create function grid.window_shares(ts timestamptz, energy bigint, reading_interval interval)
returns table (starts_at timestamptz, share bigint)
language sql stable
as $$
    with piece as (
        select
            -- Beside the start of the window: there meters send readings of their own, one of them as soon as a clock was
            -- a second late. In a place that no other reading of the meter has its share in, if it is a second away.
            case
                when w.ordinality = 1 then $1
                else w.window_start + (w.ordinality - 1) * interval '1 microsecond'
                    + floor(extract(epoch from $1 - grid.window_start($1))) * interval '1 millisecond'
            end as starts_at,
            extract(epoch from least(w.window_start + interval '15 minutes', $1 + $3) - $1) as until
        from generate_series(grid.window_start($1), $1 + $3 - interval '1 microsecond', interval '15 minutes')
            with ordinality as w (window_start)
    )

    -- Differences of what is due until then: each is exact to a milliwatt-hour, and all of them together are.
    select
        p.starts_at,
        (
            floor($2 * p.until / extract(epoch from $3))
            - floor($2 * lag(p.until, 1, 0::numeric) over (order by p.starts_at) / extract(epoch from $3))
        )::bigint
    from piece as p
$$;
revoke all on function grid.window_shares(timestamptz, bigint, interval) from public;
comment on function grid.window_shares(timestamptz, bigint, interval) is
'How the energy of a reading lies on the windows that its interval reaches into: evenly in time, and exactly.';
