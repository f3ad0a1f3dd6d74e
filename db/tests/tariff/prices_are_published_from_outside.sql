begin;
select plan(50);
select tap.make_tenant('acme');
select tap.make_tenant('other');
update grid.tenant set time_zone = 'Europe/Berlin' where code = 'acme';

-- The start of a window some hours or days ahead.
create function tap.ahead(by interval) returns timestamptz
language sql
as $$
    select date_bin('15 minutes', now() + by, '2000-01-01 00:00Z')
$$;
create function tap.entry(since interval, until interval, price text) returns jsonb
language sql
as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'since', tap.ahead(since), 'until', tap.ahead(until), 'price', price::numeric
    ))
$$;

select tap.sign_in('acme', 'operator');
select results_eq(
    $$ select region, since, until, windows, published, currency from api.publish_prices('north', jsonb_build_array(
        tap.entry('1 day', '25 hours', '0.0832'), tap.entry('25 hours', null, '-0.015'),
        tap.entry('25 hours 15 minutes', '25 hours 45 minutes', '0')
    )) $$,
    $$ values ('north', tap.ahead('1 day'), tap.ahead('25 hours 45 minutes'), 7, 7, 'EUR') $$,
    'an operator publishes hours and quarters, below zero too'
);
select results_eq(
    $$ select price, multiplier, currency from api.tariffs where region = 'north' order by window_start $$,
    $$ values (0.0832, null::numeric, 'EUR'), (0.0832, null, 'EUR'), (0.0832, null, 'EUR'), (0.0832, null, 'EUR'),
        (-0.015, null, 'EUR'), (0, null, 'EUR'), (0, null, 'EUR') $$,
    'each window has its own, made by no load'
);
select results_eq(
    $$ select windows, published from api.publish_prices('north', jsonb_build_array(
        tap.entry('1 day', '24 hours 30 minutes', '0.08320')
    )) $$,
    $$ values (2, 0) $$, 'the same again: nothing happens'
);
select results_eq(
    $$ select windows, published from api.publish_prices('north', jsonb_build_array(
        tap.entry('24 hours', '24 hours 30 minutes', '0.0832'), tap.entry('30 hours', null, '0.2')
    )) $$,
    $$ values (3, 1) $$, 'a longer list adds what is new'
);
select throws_like(
    $$ select api.publish_prices('north', jsonb_build_array(
        tap.entry('31 hours', null, '0.2'), tap.entry('24 hours 15 minutes', null, '0.09')
    )) $$,
    'The price of the window of % is published already: 0.0832', 'another price for a window is a conflict'
);
select is(
    (select count(*) from api.tariffs where window_start = tap.ahead('31 hours')), 0::bigint,
    'and nothing of that call is published'
);
select is(
    (select price from api.estimate_bill(1, 'north', tap.ahead('25 hours'))), -0.015, 'it holds before the plan'
);
select results_eq(
    $$ select amount, lowest_amount, highest_amount
    from api.estimate_bill(1000, 'north', tap.ahead('25 hours')) $$,
    $$ values (-15.00, -15.00, 240.00) $$, 'and its bounds reach as far'
);
select results_eq(
    $$ select amount, lowest_amount, highest_amount
    from api.estimate_bill(-1000, 'north', tap.ahead('25 hours')) $$,
    $$ values (15.00, 15.00, -240.00) $$, 'feeding in costs when the price is below zero'
);
select throws_ok($$ select api.publish_prices('moon', '[]') $$, 'PT404', null, 'no such region');
select throws_ok($$ select api.publish_prices(null, '[]') $$, 'PT404', null, 'and not all at once');

-- What is refused, and how it is said.
select tap.sign_out();
create temp table refused (prices text, said text);
grant select on refused to operator;
insert into refused values
('{}', 'prices is not a list of 1 to 3000 prices'),
('[]', 'prices is not a list of 1 to 3000 prices'),
('null', 'prices is not a list of 1 to 3000 prices'),
('[1]', 'prices[0]: is not an object'),
('[null]', 'prices[0]: is not an object'),
('[{"since": "2000-01-01", "price": 1, "unit": "MWh"}]', 'prices[0]: has a field that is none of since, until, price'),
('[{"price": 1}]', 'prices[0]: since is not a time'),
('[{"since": "tonight", "price": 1}]', 'prices[0]: since is not a time'),
('[{"since": "01.11.2027", "price": 1}]', 'prices[0]: since is not a time'),
('[{"since": "infinity", "price": 1}]', 'prices[0]: since is not a time'),
('[{"since": "2000-01-01", "price": 1}]', 'prices[0]: since is not in the future: the window has begun'),
('[{"since": "2999-01-01", "price": 1}]', 'prices[0]: is more than 400 days ahead'),
('[{"since": "2999-01-01T00:10Z", "price": 1}]', 'prices[0]: since is not the start of a window of 15 minutes');
insert into refused
select
    jsonb_build_array(tap.entry('2 days', null, '1'), jsonb_build_object('since', tap.ahead('3 days')) || more),
    'prices[1]: ' || said
from (
    values
    ('{}'::jsonb, 'price is not a number'),
    ('{"price": null}', 'price is not a number'),
    ('{"price": true}', 'price is not a number'),
    ('{"price": "free"}', 'price is not a number'),
    ('{"price": "NaN"}', 'price is not a price between -999999.999999 and 999999.999999'),
    ('{"price": "Infinity"}', 'price is not a price between -999999.999999 and 999999.999999'),
    ('{"price": 1e300}', 'price is not a price between -999999.999999 and 999999.999999'),
    ('{"price": 0.1234567}', 'price has more than 6 decimals'),
    ('{"price": 1, "until": "soon"}', 'until is not a time'),
    ('{"price": 1, "until": "2000-01-01"}', 'until is not after since'),
    ('{"price": 1, "until": "infinity"}', 'is more than 400 days ahead')
) as w (more, said);
insert into refused values
(
    jsonb_build_array(jsonb_build_object(
        'since', tap.ahead('3 days'), 'until', tap.ahead('3 days') + interval '20 minutes', 'price', 1
    )), 'prices[0]: until is not the end of a window of 15 minutes'
),
(
    jsonb_build_array(tap.entry('3 days', '73 hours', '1'), tap.entry('72 hours 45 minutes', null, '2')),
    'prices name a window twice'
),
(
    (
        select jsonb_agg(tap.entry('3 days', '300 days', '1')) from generate_series(1, 3000)
    ), 'prices name more than 3000 windows'
),
(
    (
        select jsonb_agg(tap.entry('3 days', null, '1')) from generate_series(1, 3001)
    ), 'prices is not a list of 1 to 3000 prices'
);
select tap.sign_in('acme', 'operator');
select throws_ok(format('select api.publish_prices(%L, %L)', 'north', prices), 'PT422', said, left(said, 60))
from refused;
select is((select count(*) from api.tariffs), 8::bigint, 'and none of it was published');
select lives_ok(
    $$ select api.publish_prices('south', jsonb_build_array(tap.entry('15 minutes', null, '0.1'))) $$,
    'the next window can be priced still'
);

-- Who sees and hears it: as any price.
select tap.sign_out();
select is(
    (select count(*) from event.log where tenant_id = tap.tenant('acme') and topic = 'price.published'), 9::bigint,
    'each is told'
);
select is(
    (
        select l.payload ->> 'price' from event.log as l
        where l.payload ->> 'window_start' = to_json(tap.ahead('25 hours') at time zone 'UTC') #>> '{}' || '+00:00'
    ), '-0.015', 'with its price'
);
select is((select count(*) from event.log where payload ? 'multiplier'), 0::bigint, 'and no multiplier');
select tap.sign_in('acme', 'alice');
select is((select count(*) from api.tariffs), 8::bigint, 'a consumer sees those of their region');
select throws_ok($$ select api.publish_prices('north', '[]') $$, '42501', null, 'and publishes none');
select tap.sign_in('other', 'operator');
select is_empty($$ select from api.tariffs $$, 'another tenant sees none');

-- Closing the window before makes no second price.
select tap.sign_out();
select tap.close('acme', 'north', tap.ahead('24 hours 45 minutes'), 500);
select is(
    (
        select p.price from tariff.price as p
        where p.region_id = tap.region('acme', 'north') and p.window_start = tap.ahead('25 hours')
    ), -0.015, 'what was published from outside was first'
);
select tap.close('acme', 'north', tap.ahead('26 hours'), 500);
select is(
    (
        select p.price from tariff.price as p
        where p.region_id = tap.region('acme', 'north') and p.window_start = tap.ahead('26 hours 15 minutes')
    ), 0.18, 'where nothing was, the plan makes the price'
);
select throws_ok(
    $$ insert into tariff.price (tenant_id, region_id, window_start, price, multiplier)
    values (tap.tenant('acme'), tap.region('acme', 'west'), now(), 1, 1) $$,
    '23514', null, 'a price is made or given, nothing between'
);
select * from finish();
rollback;
