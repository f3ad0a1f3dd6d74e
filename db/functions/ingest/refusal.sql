create function ingest.refusal(
    limits ingest.limits, meter_id integer, ts timestamptz, energy numeric, at timestamptz,
    out code text, out message text
)
language sql immutable parallel safe
return (
    case
        when meter_id is null then row('unknown_meter'::text, 'no such meter'::text)
        when extract(epoch from ts - at) > extract(epoch from (limits).max_ahead)
            then row(
                    'time_in_future'::text, format('timestamp is more than %s ahead', ingest.words((limits).max_ahead))
                )
        when extract(epoch from at - ts) > extract(epoch from (limits).max_age)
            then row(
                    'time_too_old'::text,
                    format('timestamp is older than the accepted age of %s', ingest.words((limits).max_age))
                )
        when abs(energy) > (limits).max_energy
            then row(
                    'energy_out_of_range'::text,
                    format('kwh is outside -%1$s to %1$s', trim_scale((limits).max_energy / 1000000.0))
                )
    end
);

comment on function ingest.refusal(ingest.limits, integer, timestamptz, numeric, timestamptz) is
'Why a well-formed reading is refused, as code and message; nulls if it is not. meter_id is null for an unknown meter, '
'energy is in mWh.';
