create function grid.day_start(day date, zone text) returns timestamptz
language plpgsql stable strict parallel safe
as $$
declare
    midnight constant timestamp := day::timestamp;
    guess constant timestamptz := midnight at time zone zone;
    low timestamptz := (midnight at time zone 'UTC') - interval '17 hours'; -- no clock is more than 16 hours ahead
    at timestamptz;
    until_second integer := 3600;
    from_second integer := 0;
begin
    -- Mostly no clock has changed for more than a day: none is put back by as much.
    if guess at time zone zone = midnight
       and (guess - interval '25 hours') at time zone zone = midnight - interval '25 hours' then
        return guess;
    end if;
    -- Hour by hour then: in an hour a clock changes once at most. Where it is put back past midnight there are two
    -- midnights, and the day begins with the first; where it is put forward past midnight, the day begins there.
    loop
        at := low + (midnight - (low at time zone zone));
        if at > low and at <= low + interval '1 hour' and at at time zone zone = midnight then
            return at;
        end if;
        exit when (low + interval '1 hour') at time zone zone >= midnight;
        low := low + interval '1 hour';
    end loop;
    while until_second - from_second > 1 loop
        at := low + (from_second + until_second) / 2 * interval '1 second';
        if at at time zone zone >= midnight then
            until_second := (from_second + until_second) / 2;
        else
            from_second := (from_second + until_second) / 2;
        end if;
    end loop;
    return low + until_second * interval '1 second';
end;
$$;
revoke all on function grid.day_start(date, text) from public;
grant execute on function grid.day_start(date, text) to segs_api, operator, admin;
comment on function grid.day_start(date, text) is
'The first instant at which it is a date, or a later one, in a time zone: also where clocks change around midnight, '
'and where the date is left out.';
