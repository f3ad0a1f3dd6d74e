create function tariff.multiplier(energy bigint, high_load bigint, max_multiplier numeric) returns numeric
language sql immutable parallel safe
as $$
    select round(1 + ($3 - 1) * least(greatest($1, 0)::numeric / $2, 1), 6)
$$;
revoke all on function tariff.multiplier(bigint, bigint, numeric) from public;
comment on function tariff.multiplier(bigint, bigint, numeric) is
'From 1 at no load (or net feed-in) in proportion to max_multiplier at high_load and above. Energies in mWh.';
