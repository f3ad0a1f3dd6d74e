create function alert.with_sighting(
    sightings alert.sighting[], seen_at timestamptz, energy bigint, threshold bigint
) returns alert.sighting[]
language sql immutable parallel safe
return (
    select array_agg(s.sighting order by (s.sighting).seen_at)
    from (
        select u::alert.sighting as sighting from unnest(sightings) as u where u.seen_at <> with_sighting.seen_at
        union all
        select row(with_sighting.seen_at, energy, threshold)::alert.sighting
    ) as s
);

comment on function alert.with_sighting(alert.sighting[], timestamptz, bigint, bigint) is
'The windows that show an alert, with one put in its place, or put over what was said of it before. Energies in mWh.';
