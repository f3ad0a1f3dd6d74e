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

create function pg_temp.base_price(region text, at timestamptz) returns numeric
language sql
as $$
    select trim_scale(p.base_price) from tariff.plan_at(tap.tenant('acme'), tap.region('acme', region), at) as p
$$;
select is(pg_temp.base_price('south', '2026-02-10 10:30Z'), 0.12, 'plan_at: the tenant''s plan');
select is(pg_temp.base_price('north', '2026-02-10 10:30Z'), 0.3, 'the region''s own, where it has one');
select is(pg_temp.base_price('north', '2026-03-01 00:00Z'), 0.12, 'as long as it is valid');
select is_empty($$ select * from tariff.plan_at(-1, -1, now()) $$, 'none where nobody planned');
select * from finish();
rollback;
