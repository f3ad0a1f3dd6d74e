begin;
select plan(36);
select tap.make_tenant('acme');
select tap.make_tenant('other');
update grid.tenant set time_zone = 'Europe/Berlin' where code = 'acme';
update tariff.plan set base_price = 9 where tenant_id = tap.tenant('other');

-- Windows of March in Berlin: 0.18 at 10:15 (half the high load before), else the base price of 0.12.
select tap.close('acme', 'north', '2026-03-01 10:00Z', 500);
select tap.read('acme', 'M-1', '2026-02-28 22:59Z', 1000);
select tap.read('acme', 'M-1', '2026-02-28 23:00Z', 1);
select tap.read('acme', 'M-1', '2026-03-01 10:20Z', 0.333333);
select tap.read('acme', 'M-1', '2026-03-01 10:25Z', 0.1);
select tap.read('acme', 'M-1', '2026-03-01 12:00Z', -0.5);
select tap.read('acme', 'M-1', '2026-03-31 22:00Z', 1000);
select tap.read('other', 'M-1', '2026-03-01 10:20Z', 7);

select tap.sign_in('acme', 'alice');
select results_eq(
    $$ select region, since, month_ends, energy_kwh, amount, average_price, windows, windows_priced, currency
    from api.estimate_running_bill('M-1', '2026-03-31 21:00Z') $$,
    $$ values ('north', '2026-02-28 23:00Z'::timestamptz, '2026-03-31 22:00Z'::timestamptz, 0.933333,
        0.14, 0.147857, 3::bigint, 1::bigint, 'EUR') $$,
    -- 1 x 0.12 + 0.433333 x 0.18 - 0.5 x 0.12 = 0.13799994
    'each window at its price, summed exactly, rounded once; the month is the tenant''s'
);
select results_eq(
    $$ select energy_kwh, amount, projected_kwh, projected_amount
    from api.estimate_running_bill('M-1', '2026-03-08 17:00Z') $$,
    $$ values (0.933333, 0.14, 3.728::numeric, 0.55) $$, 'the projection goes on as it began'
);
select results_eq(
    $$ select region, energy_kwh, amount, average_price, windows
    from api.estimate_running_bill('M-1', '2026-06-15Z') $$,
    $$ values ('north', 0::numeric, 0.00, null::numeric, 0::bigint) $$, 'a month without readings costs nothing'
);
select is((select windows from api.estimate_running_bill('M-1')), 0::bigint, 'it is this month unless said');
select throws_ok(
    $$ select api.estimate_running_bill('M-2') $$, 'PT404', 'There is no meter M-2', 'not a neighbour''s meter'
);
select throws_ok($$ select api.estimate_running_bill('M-9') $$, 'PT404', 'There is no meter M-9', 'nor an unknown one');
select throws_ok($$ select api.estimate_running_bill('M-1', 'infinity') $$, 'PT422', null, 'nor for ever');

select results_eq(
    $$ select region, price, amount, lowest_amount, highest_amount, currency
    from api.estimate_bill(250.5, at => '2026-03-01 10:20Z') $$,
    $$ values ('north', 0.18, 45.09, 30.06, 60.12, 'EUR') $$, 'at the published price; one region needs no name'
);
select is((select price from api.estimate_bill(1, at => '2026-03-01 10:29:59Z')), 0.18, 'until its window ends');
select is((select price from api.estimate_bill(1, at => '2026-03-01 10:30Z')), 0.12, 'and no longer');
select is((select amount from api.estimate_bill(100, 'north')), 12.00, 'at the base price while none is published');
select is((select amount from api.estimate_bill(-100, 'north')), -12.00, 'feeding in');
select throws_ok(
    $$ select api.estimate_bill(1, 'south') $$, 'PT404', 'There is no region south', 'not a region without a meter'
);
select throws_ok($$ select api.estimate_bill(1, 'moon') $$, 'PT404', 'There is no region moon', 'nor an unknown one');
select throws_ok($$ select api.estimate_bill(null) $$, 'PT422', null, 'nor nothing');
select throws_ok($$ select api.estimate_bill('NaN') $$, 'PT422', null, 'nor what is no number');
select throws_ok(
    $$ select api.create_tariff_plan('Mine', 0) $$, '42501', null, 'a consumer plans no prices'
);

select tap.sign_in('acme', 'operator');
select throws_ok($$ select api.estimate_bill(1) $$, 'PT422', null, 'who sees several regions names one');
select is((select amount from api.estimate_bill(100, 'south')), 12.00, 'any of them');
select results_eq(
    $$ select region, name, valid_until, base_price, max_multiplier, high_load_kwh, currency
    from api.create_tariff_plan('South 2027', 0.25, 'south', '2027-01-01Z', '2028-01-01Z', 3, 500) $$,
    $$ values ('south', 'South 2027', '2028-01-01Z'::timestamptz, 0.25, 3::numeric, 500::numeric, 'EUR') $$,
    'an operator plans prices'
);
select throws_ok(
    $$ select api.create_tariff_plan('Again', 0.3, 'south', '2027-12-31Z') $$,
    'PT409', 'The plan overlaps with another one of the same region', 'an overlap is refused'
);
select lives_ok(
    $$ select api.create_tariff_plan('South 2028', 0.3, 'south', '2028-01-01Z') $$, 'what begins at the end is none'
);
select throws_ok($$ select api.create_tariff_plan('All', 0.3) $$, 'PT409', null, 'nor two for every region');
select lives_ok($$ select api.end_tariff_plan(at => '2027-01-01Z') $$, 'unless the one before has ended');
select lives_ok($$ select api.create_tariff_plan('All', 0.3, valid_from => '2027-01-01Z') $$, 'then it can');
select throws_ok(
    $$ select api.end_tariff_plan('east') $$, 'PT404', null, 'a region without a plan of its own has none to end'
);
select throws_ok($$ select api.end_tariff_plan(at => '2020-01-01Z') $$, 'PT422', null, 'nothing ends in the past');
select throws_ok($$ select api.create_tariff_plan('X', 0.1, 'moon') $$, 'PT404', null, 'an unknown region');
select throws_ok(format('select api.create_tariff_plan(%s)', arguments), 'PT422', null, 'not ' || arguments)
from unnest(array[
        $$ 'X', -1000000 $$, $$ 'X', 'NaN' $$, $$ 'X', 0.1234567 $$, $$ 'X', 20000, max_multiplier => 60 $$,
        $$ 'X', 1, max_multiplier => 100 $$
    ]) as arguments;
select throws_ok(
    $$ select api.create_tariff_plan('X', 1, 'east', '2027-01-02Z', '2027-01-01Z') $$, 'PT422', null, 'a backward time'
);

select tap.sign_in('other', 'operator');
select is((select count(*) from api.tariff_plans), 1::bigint, 'the other tenant has its own plan');
select is((select amount from api.estimate_bill(100, 'north', '2026-03-01 10:20Z')), 900.00, 'and its own prices');
select * from finish();
rollback;
