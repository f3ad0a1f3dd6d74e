create function alert.without_sighting(sightings alert.sighting[], seen_at timestamptz) returns alert.sighting[]
language sql immutable parallel safe
return array(
    select u::alert.sighting from unnest(sightings) as u where u.seen_at <> without_sighting.seen_at order by u.seen_at
);

comment on function alert.without_sighting(alert.sighting[], timestamptz) is
'The windows that show an alert but for one that does not; empty when none is left.';
