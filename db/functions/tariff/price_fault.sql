create function tariff.price_fault(price numeric) returns text
language sql immutable parallel safe
as $$
    select case
        when ($1 between -999999.999999 and 999999.999999) is not true
            then 'is not a price between -999999.999999 and 999999.999999'
        -- Money is not rounded in silence.
        when $1 <> round($1, 6) then 'has more than 6 decimals'
    end
$$;
revoke all on function tariff.price_fault(numeric) from public;
grant execute on function tariff.price_fault(numeric) to segs_api;
comment on function tariff.price_fault(numeric) is
'Why a number cannot be the price of a kWh; null if it can. Prices are kept to a millionth of the currency''s unit.';
