create function rollup.closed_until(name text, at timestamptz) returns timestamptz
language plpgsql stable
set enable_seqscan = off
set plan_cache_mode = force_custom_plan
as $$
declare
    d rollup.definition;
begin
    select * into d from rollup.definition as x where x.name = closed_until.name;
    -- Where readings come as they are taken, one look decides.
    if exists (select from grid.reading as r where r.ts >= at - d.lag and r.ts <= at) then
        return public.time_bucket(d.width, at - d.lag);
    end if;
    -- Readings of the bucket that the threshold begins would not close it.
    return public.time_bucket(d.width, rollup.newest_reading(d.threshold + d.width, at - d.lag));
end;
$$;

comment on function rollup.closed_until(text, timestamptz) is
'End of the newest bucket of a rollup that is closed at a moment: its lag has passed and newer readings have arrived.
A back-fill in time order is therefore not late. Null without readings, and where none closes more than the threshold does.';
