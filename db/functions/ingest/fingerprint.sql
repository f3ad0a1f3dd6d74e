create function ingest.fingerprint(reading jsonb, stamped text) returns uuid
language plpgsql stable parallel safe
as $$
begin
    if ingest.shape_error(reading) is not null then
        return md5(reading::text)::uuid;
    end if;
    return md5(concat_ws(
        ' ', reading ->> 'meter_id', extract(epoch from ingest.instant(reading ->> 'timestamp')),
        ingest.energy(ingest.double(reading -> 'kwh')), nullif(stamped, 'start')
    ))::uuid;
end;
$$;

comment on function ingest.fingerprint(jsonb, text) is
'The same for the same meter, time and energy, however they are written. What is no reading stands for itself.';
