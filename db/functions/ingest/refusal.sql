create function ingest.refusal(
    limits ingest.limits, meter_id integer, sent timestamptz, ts timestamptz, energy numeric, highest bigint,
    feeds_in boolean, at timestamptz, out code text, out message text
)
language plpgsql immutable parallel safe
as $$
begin
    if meter_id is null then
        code := 'unknown_meter';
        message := 'no such meter';
    elsif extract(epoch from sent - at) > extract(epoch from limits.max_ahead) then
        code := 'time_in_future';
        message := format('timestamp is more than %s ahead', ingest.words(limits.max_ahead));
    elsif extract(epoch from at - ts) > extract(epoch from limits.max_age) then
        code := 'time_too_old';
        message := format('timestamp is older than the accepted age of %s', ingest.words(limits.max_age));
    elsif abs(energy) > limits.max_energy then
        code := 'energy_out_of_range';
        message := format('kwh is outside -%1$s to %1$s', trim_scale(limits.max_energy / 1000000.0));
    elsif energy < 0 and not feeds_in then
        code := 'negative_energy';
        message := 'kwh is negative, and the meter feeds nothing in';
    elsif abs(energy) > highest then
        code := 'energy_above_connection';
        message := 'kwh is more than the meter''s connection carries in an interval';
    end if;
end;
$$;
revoke all on function ingest.refusal(
    ingest.limits, integer, timestamptz, timestamptz, numeric, bigint, boolean, timestamptz
) from public;
comment on function ingest.refusal(
    ingest.limits, integer, timestamptz, timestamptz, numeric, bigint, boolean, timestamptz
) is
'Why a well-formed reading is refused, as code and message; nulls if it is not. meter_id is null for an unknown meter; '
'sent is its timestamp, ts the start of its interval; energies in mWh.';
