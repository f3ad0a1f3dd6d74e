create function alert.told_by(
    inout sightings alert.sighting[],
    out raised_at timestamptz, out last_seen_at timestamptz, out value bigint, out threshold bigint
)
language sql immutable parallel safe
return row(
    sightings,
    (sightings[1]).seen_at,
    (sightings[cardinality(sightings)]).seen_at,
    (sightings[cardinality(sightings)]).energy,
    (sightings[cardinality(sightings)]).threshold
);

comment on function alert.told_by(alert.sighting[]) is
'What an alert says that these windows show, in order of time: columns of alert.alert.';
