begin;
select plan(11);
select tap.make_tenant('acme');
create function pg_temp.raise(kind text, at timestamptz, value bigint default 1) returns bigint
language sql
as $$
    select alert.raise(tap.tenant('acme'), tap.meter('acme', 'M-1'), kind, 'warning', at, value, 0)
$$;
create temp table ids as select pg_temp.raise('high', '2026-01-01 10:00Z', n) as id from generate_series(1, 200) as n;
select is((select count(distinct id) from ids), 1::bigint, '200 violations give one alert');
select is((select occurrences from alert.alert where meter_id = tap.meter('acme', 'M-1')), 200, 'with a count of 200');
select
    is((select value from alert.alert where meter_id = tap.meter('acme', 'M-1')), 200::bigint, 'and the latest value');
select isnt(pg_temp.raise('zero', '2026-01-01 10:00Z'), (select min(id) from ids), 'another kind is another alert');
select isnt(
    alert.raise(tap.tenant('acme'), tap.meter('acme', 'M-2'), 'high', 'warning', '2026-01-01 10:00Z'),
    (select min(id) from ids), 'and another meter'
);
select
    is(
        pg_temp.raise('high', '2026-01-01 10:59:59Z'),
        (select min(id) from ids),
        'the last second of the hour is counted'
    );
select isnt(pg_temp.raise('high', '2026-01-01 11:00Z'), (select min(id) from ids), 'the next is not');
select is(
    pg_temp.raise('high', '2026-01-01 09:30Z'),
    (select min(id) from ids),
    'one that comes out of order is counted where it overlaps'
);
select is(
    (select last_seen_at from alert.alert where alert_id = (select min(id) from ids)),
    '2026-01-01 10:59:59Z'::timestamptz,
    'and moves no time back'
);
update alert.alert set status = 'resolved', resolved_at = now() where alert_id = (select min(id) from ids);
select
    is(
        pg_temp.raise('high', '2026-01-01 10:30Z'),
        (select min(id) from ids),
        'a resolved alert keeps quiet for its hour too'
    );
select throws_ok(
    $$ select alert.raise(tap.tenant('acme') + 1000, tap.meter('acme', 'M-1'), 'high', 'info') $$, '23503', null,
    'a meter of another tenant is refused'
);
select * from finish();
rollback;
