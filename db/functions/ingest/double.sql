-- PL/pgSQL, as all that looks at one reading: a SQL function that is called by another is planned at every call.
create function ingest.double(value jsonb) returns double precision
language plpgsql immutable parallel safe
as $$
begin
    if jsonb_typeof(value) is distinct from 'number' then
        return null;
    elsif pg_input_is_valid(value::text, 'double precision') then
        return value::text::double precision;
    elsif abs(value::numeric) < 1 then
        return 0; -- too near to zero for a double
    end if;
    return null; -- beyond the largest
end;
$$;

comment on function ingest.double(jsonb) is
'A JSON number as the HTTP worker reads it: the nearest double. Null if it is none, or beyond all doubles.';
