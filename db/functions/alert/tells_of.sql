create function alert.tells_of(sightings alert.sighting[], seen_at timestamptz) returns boolean
language sql immutable parallel safe
return exists (select from unnest(sightings) as u where u.seen_at = tells_of.seen_at);

comment on function alert.tells_of(alert.sighting[], timestamptz) is
'Whether the windows that show an alert include the one that ends then.';
