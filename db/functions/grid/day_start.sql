create function grid.day_start(day date, zone text) returns timestamptz
language sql stable parallel safe
as $$
    -- Where clocks are put back at midnight there are two midnights: the day starts with the first.
    select min(s.at)
    from (values (interval '0'), ('30 minutes'), ('1 hour'), ('2 hours')) as earlier (by)
    cross join lateral (select $1::timestamp at time zone $2 - earlier.by as at) as s
    where (s.at at time zone $2)::date >= $1
$$;
revoke all on function grid.day_start(date, text) from public;
grant execute on function grid.day_start(date, text) to segs_api, operator, admin;
comment on function grid.day_start(date, text) is
'First instant of a date in a time zone, also where clocks change at midnight.';
