-- The index on ts keeps ranges of blocks (BRIN): it finds what is in a range of time, but not the newest of many. So
-- ranges are asked for, ever longer ones down from the end, and the one that has readings is halved. Never by reading
-- the table: a planner that expects a match at every turn of it would read all that lies before the first.
create function rollup.newest_reading(since timestamptz, until timestamptz) returns timestamptz
language plpgsql stable
set enable_seqscan = off
set plan_cache_mode = force_custom_plan
as $$
declare
    step interval := interval '15 minutes';
    high timestamptz := until;
    low timestamptz;
    middle timestamptz;
begin
    if not exists (select from grid.reading as r where r.ts >= since and r.ts <= until) then
        return null;
    end if;
    loop
        low := greatest(high - step, since);
        exit when exists (select from grid.reading as r where r.ts >= low and r.ts <= high);
        high := low;
        step := 2 * step;
    end loop;
    while high - low > interval '1 minute' loop
        middle := low + (high - low) / 2;
        if exists (select from grid.reading as r where r.ts >= middle and r.ts <= high) then
            low := middle;
        else
            high := middle;
        end if;
    end loop;
    return (select max(r.ts) from grid.reading as r where r.ts >= low and r.ts <= high);
end;
$$;

comment on function rollup.newest_reading(timestamptz, timestamptz) is
'The time of the newest reading of a range, its ends included; null if there is none.';
