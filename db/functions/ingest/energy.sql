create function ingest.energy(kwh numeric) returns bigint
language sql immutable strict parallel safe
return (
    -- round() takes halves away from zero; the HTTP worker, like the standard, takes them to the even neighbour.
    case
        when abs(kwh * 1000000 - trunc(kwh * 1000000)) = 0.5 then 2 * round(kwh * 500000)
        else round(kwh * 1000000)
    end
)::bigint;

comment on function ingest.energy(numeric) is 'kWh as bigint mWh, halves to even.';
