create function ingest.shape_error(reading jsonb) returns text
language sql stable parallel safe
return case
    when jsonb_typeof(reading) is distinct from 'object' then 'a reading is an object'
    when reading - '{meter_id,timestamp,kwh,voltage,current}'::text[] <> '{}'
        then 'unknown field: ' || (
                select min(k.key) from jsonb_object_keys(reading) as k (key)
                where k.key not in ('meter_id', 'timestamp', 'kwh', 'voltage', 'current')
            )
    when not reading ?& '{meter_id,timestamp,kwh}'::text[]
        then 'missing field: ' || (
                select min(k.key) from unnest('{meter_id,timestamp,kwh}'::text[]) as k (key) where not reading ? k.key
            )
    when jsonb_typeof(reading -> 'meter_id') <> 'string'
        or reading ->> 'meter_id' !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'
        then 'meter_id is not a meter code'
    when jsonb_typeof(reading -> 'timestamp') <> 'string'
        or reading ->> 'timestamp' !~ (
            '^\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:?\d\d)$'
        )
        or not pg_input_is_valid(reading ->> 'timestamp', 'timestamptz')
        then 'timestamp is not an ISO 8601 time with a zone'
    when jsonb_typeof(reading -> 'kwh') <> 'number' or abs((reading ->> 'kwh')::numeric) >= 1.8e308
        then 'kwh is not a number'
    when jsonb_typeof(reading -> 'voltage') not in ('number', 'null')
        or (
            jsonb_typeof(reading -> 'voltage') = 'number'
            and (reading ->> 'voltage')::numeric not between 0 and 1000000
        )
        then 'voltage is not a number between 0 and 1000000'
    when jsonb_typeof(reading -> 'current') not in ('number', 'null')
        or (
            jsonb_typeof(reading -> 'current') = 'number'
            and (reading ->> 'current')::numeric not between -100000 and 100000
        )
        then 'current is not a number between -100000 and 100000'
end;

comment on function ingest.shape_error(jsonb) is
'What is wrong with the shape of a reading (code invalid_reading); null if nothing.';
