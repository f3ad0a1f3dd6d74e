create function rollup.next_late(name text, out since timestamptz, out until timestamptz)
language plpgsql
as $$
declare
    d rollup.definition;
    first_bucket timestamptz;
begin
    select * into strict d from rollup.definition as x where x.name = next_late.name;
    -- Oldest first, and after the source: a reading is in the logs of both or of neither.
    select min(l.bucket) into first_bucket
    from rollup.late as l
    where l.name = d.name and l.bucket < d.materialised_until
      and l.bucket + d.width <= coalesce(
          (select min(s.bucket) from rollup.late as s where s.name = d.source), 'infinity'
      );
    if first_bucket is null then
        return;
    end if;
    -- Neighbours together, within limits: a range is refreshed for all meters.
    with taken as (
        update rollup.late as l set taken = true
        where l.name = d.name and l.bucket >= first_bucket
          and l.bucket < least(d.materialised_until, first_bucket + 60 * d.width)
          and l.bucket + d.width <= coalesce(
              (select min(s.bucket) from rollup.late as s where s.name = d.source), 'infinity'
          )
        returning l.bucket
    )

    select min(t.bucket), max(t.bucket) + d.width into since, until from taken as t;
end;
$$;

comment on function rollup.next_late(text) is
'Continuous aggregates: takes the oldest entries of rollup.late that lie near each other. They are in the buckets from '
'since to before until; null when there are none left.';
