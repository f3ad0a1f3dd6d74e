create function ingest.energy(kwh double precision) returns numeric
language plpgsql immutable strict parallel safe
as $$
declare
    -- by its shortest text, which is what was sent
    mwh constant numeric := kwh::text::numeric * 1000000;
begin
    -- round() takes halves away from zero; the HTTP worker, like the standard, takes them to the even neighbour.
    if abs(mwh - trunc(mwh)) = 0.5 then
        return 2 * round(mwh * 0.5);
    end if;
    return round(mwh);
end;
$$;

comment on function ingest.energy(double precision) is 'kWh as whole mWh, halves to even.';
