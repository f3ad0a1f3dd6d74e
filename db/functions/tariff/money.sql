create function tariff.money(amount numeric, currency text) returns numeric
language sql immutable parallel safe
as $$
    select round($1, coalesce(tariff.minor_units($2), 2))
$$;
revoke all on function tariff.money(numeric, text) from public;
grant execute on function tariff.money(numeric, text) to segs_api;
comment on function tariff.money(numeric, text) is
'An amount of a currency, rounded to its smallest unit, halves away from zero: once, where an exact amount is shown.';
