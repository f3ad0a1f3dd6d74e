create function rollup.closed_until(name text, at timestamptz) returns timestamptz
language sql stable
return (
    select public.time_bucket(d.width, least(at - d.lag, newest.ts))
    from rollup.definition as d
    cross join (select r.ts from grid.reading as r where r.ts <= at order by r.ts desc limit 1) as newest
    where d.name = closed_until.name
);

comment on function rollup.closed_until(text, timestamptz) is
'End of the newest bucket of a rollup that is closed at a moment: its lag has passed and newer readings have arrived.
A back-fill in time order is therefore not late. Null without readings.';
