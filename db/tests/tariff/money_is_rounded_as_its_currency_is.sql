begin;
select plan(24);
select tap.make_tenant('acme');
select tap.read('acme', 'M-1', '2026-03-01 10:00Z', 1.5);
select tap.read('acme', 'M-1', '2026-03-01 10:15Z', 0.75);

create temp table expected (currency text, base_price numeric, one numeric, bill numeric, decimals integer);
insert into expected values
('EUR', 0.125, 0.13, 0.28, 2),
('BHD', 0.003, 0.003, 0.007, 3),
('KWD', 0.0125, 0.013, 0.028, 3),
('JPY', 31, 31, 70, 0),
('KRW', 120.5, 121, 271, 0),
('CLF', 0.00315, 0.0032, 0.0071, 4),
('EUR', -0.125, -0.13, -0.28, 2),
('JPY', -30.5, -31, -69, 0);

create function pg_temp.told(of_currency text, price numeric) returns text
language plpgsql
as $$
declare
    told text;
begin
    perform tap.sign_out();
    update grid.tenant set currency = of_currency where code = 'acme';
    update tariff.plan set base_price = price where tenant_id = tap.tenant('acme');
    perform tap.sign_in('acme', 'alice');
    select format('%s %s %s %s', b.amount, b.lowest_amount, r.amount, r.projected_amount) into told
    from api.estimate_bill(1, 'north') as b, api.estimate_running_bill('M-1', '2026-03-08 12:00Z') as r;
    return told;
end;
$$;
select is(pg_temp.told(e.currency, e.base_price), e.told, e.currency)
from (
    select
        x.currency,
        x.base_price,
        concat_ws(' ', x.one, x.one, x.bill, round(2.25 * x.base_price / (7.5 / 31), x.decimals)) as told
    from expected as x
) as e;

select tap.sign_out();
update tariff.plan set base_price = -0.1 where tenant_id = tap.tenant('acme');
select tap.close('acme', 'north', '2026-03-01 10:00Z', 1000);
select results_eq(
    $$ select trim_scale(p.price), trim_scale(p.multiplier) from tariff.price as p
    where p.tenant_id = tap.tenant('acme') $$,
    $$ values (-0.1, 1::numeric) $$, 'a price below zero does not fall as the load rises'
);
select tap.sign_in('acme', 'operator');
select results_eq(
    $$ select base_price from api.create_tariff_plan('Sun', -0.05, 'south') $$, $$ values (-0.05) $$,
    'an operator may plan it'
);
select results_eq(
    $$ select amount, lowest_amount, highest_amount from api.estimate_bill(100, 'south') $$,
    $$ values (-5.00, -5.00, -5.00) $$, 'and is the same at any load'
);

select tap.sign_out();
-- Every currency that a tenant may have knows its decimals; what is none is refused.
select is(tariff.minor_units(code), units, coalesce(code, 'null'))
from (
    values ('EUR', 2), ('JPY', 0), ('KWD', 3), ('UYW', 4), ('XAU', null), ('XXX', null), ('euro', null), ('ABC', null),
    (null, null)
) as w (code, units);
select tap.sign_in('acme', 'admin');
select throws_ok($$ select api.update_tenant_settings(currency => 'ABC') $$, 'PT422', null, 'no currency');
select tap.sign_out();
select is(tariff.money(2.5, 'JPY'), 3::numeric, 'halves away from zero');
select is(tariff.money(-2.5, 'JPY'), -3::numeric, 'on both sides');
select is(tariff.money(1.005, 'EUR'), 1.01, 'exactly');
select * from finish();
rollback;
