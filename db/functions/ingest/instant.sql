create function ingest.instant(stamp text) returns timestamptz
language plpgsql stable strict parallel safe
as $$
declare
    parts constant text[] := regexp_match(
        stamp,
        '^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]'
        '((?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?)'
        '(?:[Zz]|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)$'
    );
    local_time timestamp;
begin
    if parts is null or not pg_input_is_valid(parts[1], 'date') then
        return null;
    end if;
    local_time := parts[1]::date + left(parts[2], 15)::time; -- cut off, not rounded
    -- Zones are subtracted by hand: PostgreSQL reads none beyond 15:59, RFC 3339 has them up to 23:59.
    return local_time at time zone 'UTC' - coalesce(
        (parts[3] || '1')::integer
        * make_interval(hours => parts[4]::integer, mins => coalesce(parts[5], '0')::integer),
        interval '0'
    );
end;
$$;

comment on function ingest.instant(text) is
'The instant of an RFC 3339 date and time with a zone, seconds and colon of the zone optional, cut off to the '
'microsecond; null if it is none.';
