begin;
select plan(16);
select tap.make_tenant('acme');
update tariff.plan set validity = '[,2026-03-01 22:45:32Z)', base_price = 0.12 where tenant_id = tap.tenant('acme');
insert into tariff.plan (tenant_id, name, validity, base_price)
values (tap.tenant('acme'), 'Next', '[2026-03-01 23:45:32Z,)', 0.12);
select tap.read('acme', 'M-1', '2026-03-01 22:00Z', 5);
select tap.read('acme', 'M-1', '2026-03-01 23:00Z', 10);

select tap.sign_in('acme', 'alice');
select results_eq(
    $$ select energy_kwh, amount, average_price, unpriced_kwh, windows, windows_priced, windows_unpriced,
        projected_amount
    from api.estimate_running_bill('M-1', '2026-03-02Z') $$,
    $$ values (15::numeric, 0.60, 0.12, 10::numeric, 2::bigint, 0::bigint, 1::bigint, null::numeric) $$,
    'it is told apart, is in no average, and stops the projection'
);
select tap.sign_out();
select tap.read('acme', 'M-1', '2026-03-01 23:15Z', -10);
select tap.sign_in('acme', 'alice');
select results_eq(
    $$ select amount, unpriced_kwh, windows_unpriced, projected_amount
    from api.estimate_running_bill('M-1', '2026-03-02Z') $$,
    $$ values (0.60, 0::numeric, 2::bigint, null::numeric) $$, 'also when feeding in makes up for it'
);
select tap.sign_out();
select tap.read('acme', 'M-2', '2026-03-01 23:00Z', 10);
select tap.sign_in('acme', 'bob');
select results_eq(
    $$ select energy_kwh, amount, average_price, unpriced_kwh from api.estimate_running_bill('M-2', '2026-03-02Z') $$,
    $$ values (10::numeric, null::numeric, null::numeric, 10::numeric) $$, 'nothing has a price: no amount, not zero'
);
select tap.sign_out();
insert into grid.meter_past (meter_id, tenant_id, period, region_id, kind, retired)
values (
    tap.meter('acme', 'M-2'), tap.tenant('acme'), '(,2026-03-01 12:00Z)', tap.region('acme', 'west'), 'one_way', false
);
select tap.sign_in('acme', 'bob');
select results_eq(
    $$ select energy_kwh, amount, windows_unpriced from api.estimate_running_bill('M-2', '2026-03-02Z') $$,
    $$ values (10::numeric, null::numeric, 1::bigint) $$, 'nor after a move, from a region where it used nothing'
);
select results_eq(
    $$ select price, amount, lowest_amount, highest_amount from api.estimate_bill(10, 'south', '2026-03-01 23:00Z') $$,
    $$ values (null::numeric, null::numeric, null::numeric, null::numeric) $$, 'nor an estimate'
);

-- A price from outside prices it, and a plan made afterwards.
select tap.sign_out();
insert into tariff.price (tenant_id, region_id, window_start, price)
values (tap.tenant('acme'), tap.region('acme', 'north'), '2026-03-01 23:00Z', 0.2);
select tap.sign_in('acme', 'operator');
select results_eq(
    $$ select amount, unpriced_kwh, windows_priced, windows_unpriced
    from api.estimate_running_bill('M-1', '2026-03-02Z') $$,
    $$ values (2.60, -10::numeric, 1::bigint, 1::bigint) $$, 'a published price needs no plan'
);
select lives_ok(
    $$ select api.create_tariff_plan('Between', 0.3, valid_from => '2026-03-01 22:45:32Z',
        valid_until => '2026-03-01 23:45:32Z') $$, 'a plan for the gap'
);
select results_eq(
    $$ select amount, unpriced_kwh, windows_unpriced, projected_amount is not null
    from api.estimate_running_bill('M-1', '2026-03-02Z') $$,
    $$ values (-0.40, 0::numeric, 0::bigint, true) $$, 'prices what was unpriced'
);
select tap.sign_out();
update tariff.plan set validity = '[2026-03-01 23:45:32Z,2026-03-05)' where name = 'Next';
select tap.sign_in('acme', 'operator');
select results_eq(
    $$ select price, multiplier, published from api.current_tariffs where region = 'north' $$,
    $$ values (null::numeric, null::numeric, false) $$, 'there is no price now, and none is made up'
);

-- Any mixture: what is told is what each window by itself says.
select tap.sign_out();
select setseed(0.42);
delete from tariff.plan as p
where p.tenant_id = tap.tenant('acme') and not exists (select from tariff.price as x where x.plan_id = p.plan_id);
insert into tariff.plan (tenant_id, region_id, name, validity, base_price)
select
    tap.tenant('acme'),
    case when n % 2 = 0 then tap.region('acme', 'east') end,
    'P',
    tstzrange(g.at, g.at + random() * interval '3 hours'),
    round((random() - 0.3)::numeric, 6)
from generate_series(0, 20) as n
cross join lateral (select '2026-04-01 00:00Z'::timestamptz + n * interval '3 hours' as at) as g;
insert into tariff.price (tenant_id, region_id, window_start, price)
select tap.tenant('acme'), tap.region('acme', 'east'), w, round((random() - 0.3)::numeric, 6)
from generate_series('2026-04-01Z'::timestamptz, '2026-04-03Z', '15 minutes') as w where random() < 0.3;
insert into grid.reading (ts, meter_id, energy)
select w, tap.meter('acme', 'M-3'), (random() - 0.2) * 5000000
from generate_series('2026-04-01Z'::timestamptz, '2026-04-03Z', '5 minutes') as w where random() < 0.7;
create temp table naive as
select
    w.window_start,
    w.energy,
    coalesce(
        (
            select p.price from tariff.price as p
            where p.region_id = tap.region('acme', 'east') and p.window_start = w.window_start
        ),
        (
            select p.base_price from tariff.plan as p
            where p.region_id = tap.region('acme', 'east') and p.validity @> w.window_start
        ),
        (
            select p.base_price from tariff.plan as p
            where p.tenant_id = tap.tenant('acme') and p.region_id is null and p.validity @> w.window_start
        )
    ) as price
from (
    select grid.window_start(r.ts) as window_start, sum(r.energy) as energy
    from grid.reading as r
    where r.meter_id = tap.meter('acme', 'M-3')
    group by 1
) as w;
select ok((select count(*) filter (where price is null) from naive) > 10, 'some windows have no price');
select ok((select count(*) filter (where price is not null) from naive) > 10, 'and some have');
select results_eq(
    $$ select c.energy, c.amount, c.windows, c.energy_unpriced, c.windows_unpriced
    from tariff.cost(tap.tenant('acme'), tap.region('acme', 'east'), tap.meter('acme', 'M-3'), '{(,)}',
        '2026-04-01Z', '2026-04-04Z') as c $$,
    $$ select sum(energy), sum(energy * price), count(*), coalesce(sum(energy) filter (where price is null), 0),
        count(*) filter (where price is null) from naive $$,
    'every window is in the amount or told apart'
);

-- Whatever tells an amount of what was used tells what it leaves out; an estimate for one time has no price or one.
select bag_eq(
    $$ select p.proname::text from pg_proc as p
    where p.pronamespace = 'api'::regnamespace and 'amount' = any(p.proargnames)
      and not 'unpriced_kwh' = any(p.proargnames) $$,
    $$ values ('estimate_bill') $$, 'functions'
);
select is_empty(
    $$ select a.attrelid::regclass from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid and c.relnamespace = 'api'::regnamespace
    where a.attname ~ 'amount|cost' $$, 'no view tells amounts'
);
select bag_eq(
    $$ select p.oid::regproc::text from pg_proc as p
    where p.pronamespace::regnamespace::text in ('api', 'tariff') and p.prosrc ~* 'sum\([^)]*(price|amount)' $$,
    $$ values ('tariff.cost'), ('api.estimate_running_bill') $$, 'money is summed in two places'
);
select is_empty(
    $$ select p.oid::regproc from pg_proc as p
    where p.pronamespace::regnamespace::text in ('api', 'tariff')
      and p.prosrc ~ 'round\([^;]*(amount|price|exact)[^;]*, 2\)' $$,
    'and rounded in one'
);
select * from finish();
rollback;
