begin;
select plan(17);
select tap.make_tenant('acme');

create function pg_temp.price(region_code text, at timestamptz) returns text
language sql
as $$
    select format('%s x%s', trim_scale(price), trim_scale(multiplier))
    from tariff.price where region_id = tap.region('acme', region_code) and window_start = at
$$;
select tap.close('acme', 'north', '2026-01-01 10:00Z', 0);
select tap.close('acme', 'south', '2026-01-01 10:00Z', 250);
select tap.close('acme', 'east', '2026-01-01 10:00Z', 1000);
select tap.close('acme', 'west', '2026-01-01 10:00Z', 5000);
select tap.close('acme', 'central', '2026-01-01 10:00Z', -40);
select is(pg_temp.price('north', '2026-01-01 10:15Z'), '0.12 x1', 'no load: the base price');
select
    is(pg_temp.price('south', '2026-01-01 10:15Z'), '0.15 x1.25', 'a quarter of the high load: a quarter of the rise');
select is(pg_temp.price('east', '2026-01-01 10:15Z'), '0.24 x2', 'the high load: twice the base price');
select is(pg_temp.price('west', '2026-01-01 10:15Z'), '0.24 x2', 'more than that: no more');
select is(pg_temp.price('central', '2026-01-01 10:15Z'), '0.12 x1', 'net feed-in: the base price');
select is(pg_temp.price('north', '2026-01-01 10:00Z'), null, 'the window that closed gets no price');

insert into tariff.plan (tenant_id, region_id, name, validity, base_price, max_multiplier, high_load)
values (
    tap.tenant('acme'),
    tap.region('acme', 'north'),
    'Winter',
    '[2026-02-01 00:00Z, 2026-03-01 00:00Z)',
    0.3,
    3,
    300000000
);
select tap.close('acme', r, at, 100)
from unnest(array['north', 'south']) as r,
    unnest(array['2026-01-31 23:30Z', '2026-01-31 23:45Z', '2026-02-28 23:45Z']::timestamptz[]) as at;
select is(pg_temp.price('north', '2026-01-31 23:45Z'), '0.132 x1.1', 'before the region''s own plan: the tenant''s');
select is(pg_temp.price('north', '2026-02-01 00:00Z'), '0.5 x1.666667', 'the plan of the window that is priced counts');
select is(pg_temp.price('north', '2026-03-01 00:00Z'), '0.132 x1.1', 'and no longer than it is valid');
select is(pg_temp.price('south', '2026-02-01 00:00Z'), '0.132 x1.1', 'nor for other regions');
select throws_ok(
    $$ insert into tariff.plan (tenant_id, name, validity) values (tap.tenant('acme'), 'Two', '[2026-01-01,)') $$,
    '23P01', null, 'two plans cannot hold at once'
);

select tap.close('acme', 'south', '2026-01-01 10:00Z', 999, 2);
select is(pg_temp.price('south', '2026-01-01 10:15Z'), '0.15 x1.25', 'a restated load changes no price');
select
    is(
        (select count(*) from tariff.price where tenant_id = tap.tenant('acme')),
        11::bigint,
        'one price a closed window'
    );

select is(
    trim_scale(tariff.price_at(tap.region('acme', 'south'), '2026-01-01 10:29:59Z')),
    0.15,
    'price_at: the published price'
);
select is(trim_scale(tariff.price_at(tap.region('acme', 'south'), '2026-01-01 10:30Z')), 0.12, 'else the base price');
select is(trim_scale(tariff.price_at(tap.region('acme', 'north'), '2026-02-10 10:30Z')), 0.3, 'of the region''s plan');
select is(tariff.price_at(-1, now()), null, 'none where there is no region');
select * from finish();
rollback;
