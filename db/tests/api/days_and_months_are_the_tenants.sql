begin;
select plan(27);
select tap.make_tenant('acme');
select tap.make_tenant('other');
update grid.tenant set time_zone = 'Europe/Berlin' where code = 'acme';

-- 0.1 kWh in every quarter of an hour of the days around both changes of the clocks in Berlin.
select tap.read('acme', 'M-1', at, 0.1)
from generate_series('2026-03-27 23:00Z'::timestamptz, '2026-03-30 21:45Z', interval '15 minutes') as at;
select tap.read('acme', 'M-1', at, 0.1)
from generate_series('2026-10-23 22:00Z'::timestamptz, '2026-10-26 22:45Z', interval '15 minutes') as at;
select tap.read('other', 'M-1', '2026-03-29 12:00Z', 7);
-- The first and the last minute of March in Berlin.
select tap.read('acme', 'M-2', '2026-02-28 22:59Z', 1);
select tap.read('acme', 'M-2', '2026-02-28 23:00Z', 2);
select tap.read('acme', 'M-2', '2026-03-31 21:59Z', 4);
select tap.read('acme', 'M-2', '2026-03-31 22:00Z', 8);

select tap.sign_in('acme', 'alice');
select results_eq(
    $$ select day, readings, energy_kwh, peak_kwh from api.readings_daily where day < '2026-04-01' order by day $$,
    $$ values ('2026-03-28'::date, 96::bigint, 9.6, 0.1), ('2026-03-29', 92, 9.2, 0.1), ('2026-03-30', 96, 9.6, 0.1) $$,
    'the day the clocks go forward has 23 hours'
);
select results_eq(
    $$ select day, readings, energy_kwh from api.readings_daily where day > '2026-04-01' order by day $$,
    $$ values ('2026-10-24'::date, 96::bigint, 9.6), ('2026-10-25', 100, 10.0), ('2026-10-26', 96, 9.6) $$,
    'the day they go back has 25'
);
select results_eq(
    $$ select month, energy_kwh from api.readings_monthly order by month $$,
    $$ values ('2026-03-01'::date, 28.4), ('2026-10-01', 29.2) $$,
    'months add up'
);
select is((select array_agg(distinct meter_id) from api.readings_daily), '{M-1}', 'a consumer sees their meter');
select tap.sign_in('acme', 'bob');
select results_eq(
    $$ select month, energy_kwh from api.readings_monthly order by month $$,
    $$ values ('2026-02-01'::date, 1::numeric), ('2026-03-01', 6), ('2026-04-01', 8) $$,
    'a month ends at midnight of the season'
);
select tap.sign_in('acme', 'operator');
select is((select count(*) from api.readings_daily), 10::bigint, 'an operator sees every meter of the tenant');
select is((select max(energy_kwh) from api.readings_daily), 10::numeric, 'and nothing of the other');
select tap.sign_in('other', 'operator');
select is((select array_agg(energy_kwh) from api.readings_monthly), '{7}', 'which sees its own');

-- Zones that are not whole hours from UTC: +05:30, +05:45, -03:30 with summer time, +10:30 with half an hour of it.
select tap.sign_out();
select tap.read('acme', 'M-3', at, 0.1)
from generate_series('2026-04-03 00:00Z'::timestamptz, '2026-04-06 23:45Z', interval '15 minutes') as at;
create function pg_temp.days(zone text) returns setof bigint
language plpgsql
as $$
begin
    update grid.tenant set time_zone = zone where code = 'acme';
    perform tap.sign_in('acme', 'operator');
    return query
    select d.readings from api.readings_daily as d
    where d.meter_id = 'M-3' and d.day in ('2026-04-04', '2026-04-05') order by d.day;
    perform tap.sign_out();
end;
$$;
select results_eq($$ select pg_temp.days('Asia/Kolkata') $$, $$ values (96::bigint), (96) $$, 'half hours');
select results_eq($$ select pg_temp.days('Asia/Kathmandu') $$, $$ values (96::bigint), (96) $$, 'quarters');
select results_eq($$ select pg_temp.days('America/St_Johns') $$, $$ values (96::bigint), (96) $$, 'west of UTC');
select results_eq(
    $$ select pg_temp.days('Australia/Lord_Howe') $$, $$ values (96::bigint), (98) $$, 'summer time of half an hour'
);
update grid.tenant set time_zone = 'Asia/Kolkata' where code = 'acme';
select tap.sign_in('acme', 'operator');
select is(
    (select first_bucket from api.readings_daily where meter_id = 'M-3' and day = '2026-04-04'),
    '2026-04-03 18:30Z'::timestamptz, 'a day begins at midnight there'
);

select tap.sign_out();
select is(grid.day_start('2026-03-29', 'Europe/Berlin'), '2026-03-28 23:00Z'::timestamptz, 'an ordinary midnight');
select is(grid.day_start('2026-11-01', 'America/Havana'), '2026-11-01 04:00Z'::timestamptz, 'the first of two');
select is(
    grid.day_start('2026-09-06', 'America/Santiago'), '2026-09-06 04:00Z'::timestamptz, 'none: when the clocks jump'
);
select is(grid.day_start('2026-04-05', 'America/Santiago'), '2026-04-05 04:00Z'::timestamptz, 'after a longer evening');

-- Statistics: 1 to 8 kWh in two hours, the same doubled in the two hours after.
select tap.read('acme', 'M-4', '2026-05-01 00:00Z'::timestamptz + n * interval '15 minutes', n + 1)
from generate_series(0, 7) as n;
select tap.read('acme', 'M-4', '2026-05-01 02:00Z'::timestamptz + n * interval '15 minutes', 2 * (n + 1))
from generate_series(0, 7) as n;
select tap.own('acme', 'M-4', 'bob', '[2026-05-01 02:00Z,)');
select tap.sign_in('acme', 'operator');
select results_eq(
    $$ select total_kwh, average_kwh, peak_kwh, peak_at, base_load_kw, buckets, buckets_expected,
        previous_total_kwh, previous_buckets, change_percent
    from api.reading_statistics('M-4', '2026-05-01 02:00Z', '2026-05-01 04:00Z') $$,
    $$ values (72::numeric, 9.000000, 16::numeric, '2026-05-01 03:45Z'::timestamptz, 8::numeric, 8::bigint, 8::bigint,
        36::numeric, 8::bigint, 100.00) $$,
    'total, average, peak and when, base load, comparison'
);
select results_eq(
    $$ select total_kwh, average_kwh, peak_at, base_load_kw, buckets, buckets_expected, previous_total_kwh,
        change_percent
    from api.reading_statistics('M-4', '2026-06-01 00:05Z', '2026-06-01 01:05Z') $$,
    $$ values (0::numeric, null::numeric, null::timestamptz, null::numeric, 0::bigint, 3::bigint, null::numeric,
        null::numeric) $$,
    'nothing is nothing, and only whole quarters count'
);
select tap.sign_in('acme', 'bob');
select is(
    (select previous_total_kwh from api.reading_statistics('M-4', '2026-05-01 02:00Z', '2026-05-01 04:00Z')), null,
    'a consumer is not compared with the owner before'
);
select is(
    (select total_kwh from api.reading_statistics('M-4', '2026-05-01 00:00Z', '2026-05-01 04:00Z')), 72::numeric,
    'nor told what they used'
);
select throws_ok(
    $$ select api.reading_statistics('M-1') $$, 'PT404', 'There is no meter M-1', 'a neighbour''s meter is not there'
);
select throws_ok($$ select api.reading_statistics('M-9') $$, 'PT404', 'There is no meter M-9', 'like an unknown one');
select throws_ok($$ select api.reading_statistics(null) $$, 'PT404', null, 'or none');
select throws_ok(
    $$ select api.reading_statistics('M-4', '2026-05-02Z', '2026-05-01Z') $$, 'PT422', null, 'backwards is refused'
);
select throws_ok(
    $$ select api.reading_statistics('M-4', '2020-05-02Z', '2026-05-01Z') $$, 'PT422', null, 'and years'
);
select throws_ok(
    $$ select api.reading_statistics('M-4', '-infinity', '2026-05-01Z') $$, 'PT422', null, 'and for ever'
);
select * from finish();
rollback;
