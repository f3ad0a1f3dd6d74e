begin;
select plan(24);
select tap.make_tenant('acme');
-- M-3 (east): alice until 12:20, then bob.
select tap.own('acme', 'M-3', 'alice', '[2026-01-01 00:00Z, 2026-01-02 12:20Z)');
select tap.own('acme', 'M-3', 'bob', '[2026-01-02 12:20Z,)');
select tap.read('acme', 'M-3', at, 1)
from generate_series('2026-01-02 11:00Z'::timestamptz, '2026-01-02 13:55Z', interval '5 minutes') as at;
select tap.close('acme', 'east', at, 5)
from generate_series('2026-01-02 11:00Z'::timestamptz, '2026-01-02 13:45Z', interval '15 minutes') as at;
select alert.raise(tap.tenant('acme'), tap.meter('acme', 'M-3'), 'zero', 'info', at)
from (values ('2026-01-02 11:15Z'::timestamptz), ('2026-01-02 12:20Z'), ('2026-01-02 13:30Z')) as a (at);
-- of a window of both: begun by her, ended by him
select alert.raise(tap.tenant('acme'), tap.meter('acme', 'M-3'), 'high', 'info', '2026-01-02 12:30Z', 7000000);
-- readers stop before open transactions, as this one is
update event.log set xid = '3' where topic like 'alert.%';

select tap.sign_in('acme', 'alice');
select is((select count(*) from api.readings where meter_id = 'M-3'), 16::bigint, 'alice: 11:00 to 12:15');
select
    is(
        (select max("timestamp") from api.readings), '2026-01-02 12:15Z'::timestamptz, 'no reading from the handover on'
    );
select is(
    (select "timestamp" from api.latest_readings where meter_id = 'M-3'), '2026-01-02 12:15Z'::timestamptz,
    'the latest is the latest of hers'
);
select is(
    (select max(bucket) from api.readings_15m), '2026-01-02 12:00Z'::timestamptz,
    'the quarter of an hour of the handover is not hers'
);
select is((select sum(energy_kwh) from api.readings_15m), 15::numeric, 'five whole buckets are');
select is((select array_agg(bucket) from api.readings_1h), array['2026-01-02 11:00Z'::timestamptz], 'one whole hour');
select is((select max(bucket) from api.readings_1m), '2026-01-02 12:15Z'::timestamptz, 'the minute before');
select is(
    (select array_agg(raised_at order by raised_at) from api.alerts),
    array['2026-01-02 11:15Z'::timestamptz, '2026-01-02 12:20Z'],
    'the alerts of windows that ended in her time, at the instant of the handover too'
);
select is(
    (select max(window_start) from api.tariffs where region = 'east'), '2026-01-02 12:15Z'::timestamptz,
    'prices of the region while she had a meter there'
);
select is((select count(*) from api.current_tariffs where region = 'east'), 0::bigint, 'but not what it costs now');
select is(
    (select owned_until from api.meters where meter_id = 'M-3'), '2026-01-02 12:20Z'::timestamptz, 'and until when'
);

select is(
    (select energy_kwh from api.estimate_running_bill('M-3', '2026-01-02 14:00Z')), 15::numeric,
    'she is billed for the five'
);

select tap.sign_in('acme', 'bob');
select is(
    (select energy_kwh from api.estimate_running_bill('M-3', '2026-01-02 14:00Z')), 18::numeric,
    'he for the six that are his, and nobody for the one of both'
);
select is((select min("timestamp") from api.readings), '2026-01-02 12:20Z'::timestamptz, 'bob: from the handover on');
select is((select count(*) from api.readings), 20::bigint, 'all of it');
select is((select min(bucket) from api.readings_15m), '2026-01-02 12:30Z'::timestamptz, 'from the next whole bucket');
select is((select min(bucket) from api.readings_1h), '2026-01-02 13:00Z'::timestamptz, 'and the next whole hour');
select is(
    (select array_agg(raised_at) from api.alerts), array['2026-01-02 13:30Z'::timestamptz],
    'the alert of his time, and neither that of her last window nor the one of both'
);
select is(
    (select array_agg((e.payload ->> 'last_seen_at')::timestamptz) from api.events as e where e.topic like 'alert.%'),
    array['2026-01-02 13:30Z'::timestamptz], 'nor are they told to him'
);
select is((select count(*) from api.current_tariffs where region = 'east'), 1::bigint, 'he sees what it costs now');

select tap.sign_in('acme', 'operator');
select is((select count(*) from api.readings), 36::bigint, 'the operator sees all readings');
select is(
    (select energy_kwh from api.estimate_running_bill('M-3', '2026-01-02 14:00Z')), 36::numeric, 'and what all cost'
);
select is((select count(*) from api.meters where meter_id = 'M-3'), 1::bigint, 'and the meter once');

select tap.sign_out();
update grid.meter set region_id = tap.region('acme', 'west') where meter_id = tap.meter('acme', 'M-3');
select tap.sign_in('acme', 'bob');
select results_eq(
    $$ select raised_at, region from api.alerts $$, $$ values ('2026-01-02 13:30Z'::timestamptz, 'east') $$,
    'an alert stays with the region that the meter was in'
);
select * from finish();
rollback;
