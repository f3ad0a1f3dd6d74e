create function ingest.real_or_null(value jsonb) returns real
language plpgsql immutable parallel safe
as $$
declare
    number constant double precision := ingest.double(value);
begin
    -- real cannot hold numbers this close to zero, and would raise
    return case when abs(number) < 1e-45 then 0 else number end;
end;
$$;

comment on function ingest.real_or_null(jsonb) is 'A JSON number as real; null for JSON null and for none.';
