create function ingest.shape_error(reading jsonb) returns text
language plpgsql stable parallel safe
as $$
begin
    if jsonb_typeof(reading) is distinct from 'object' then
        return 'a reading must be an object';
    elsif reading - '{meter_id,timestamp,kwh,voltage,current}'::text[] <> '{}' then
        return (
            select left(min(k.key collate "C"), 100) || ': no such field'
            from jsonb_object_keys(reading) as k (key)
            where k.key not in ('meter_id', 'timestamp', 'kwh', 'voltage', 'current')
        );
    elsif not reading ? 'meter_id' then
        return 'meter_id: field required';
    elsif not reading ? 'timestamp' then
        return 'timestamp: field required';
    elsif not reading ? 'kwh' then
        return 'kwh: field required';
    elsif jsonb_typeof(reading -> 'meter_id') <> 'string'
        or reading ->> 'meter_id' !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' then
        return 'meter_id: must be a meter code';
    elsif jsonb_typeof(reading -> 'timestamp') <> 'string' or ingest.instant(reading ->> 'timestamp') is null then
        return 'timestamp: must be an RFC 3339 date and time with a time zone';
    elsif ingest.double(reading -> 'kwh') is null then
        return 'kwh: must be a number';
    elsif jsonb_typeof(reading -> 'voltage') <> 'null'
        and (ingest.double(reading -> 'voltage') between 0 and 1000000) is not true then
        return 'voltage: must be a number from 0 to 1000000';
    elsif jsonb_typeof(reading -> 'current') <> 'null'
        and (ingest.double(reading -> 'current') between -100000 and 100000) is not true then
        return 'current: must be a number from -100000 to 100000';
    end if;
    return null;
end;
$$;

comment on function ingest.shape_error(jsonb) is
'What is wrong with the shape of a reading (code invalid_reading); null if nothing. workers/ingest/readings.py says '
'the same in the same words: tests/vectors/readings.json holds both to it.';
