create function ingest.real_or_null(value jsonb) returns real
language sql immutable parallel safe
-- real cannot hold numbers this close to zero, and would raise
return case
    when jsonb_typeof(value) <> 'number' then null
    when abs(value::numeric) < 1e-30 then 0
    else value::numeric::real
end;

comment on function ingest.real_or_null(jsonb) is 'A JSON number as real; null for JSON null and for none.';
