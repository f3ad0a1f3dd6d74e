begin;
select plan(30);
select tap.make_tenant('acme');
select tap.make_tenant('other');
update grid.tenant set reading_interval = '15 minutes', time_zone = 'Europe/Berlin' where code = 'acme';

select tap.sign_in('acme', 'operator');
select results_eq(
    $$ select email, role, meters, regions from api.users order by email $$,
    $$ values ('admin@acme.example', 'admin', '{}'::text[], '{}'::text[]),
        ('alice@acme.example', 'consumer', '{M-1}', '{north}'), ('bob@acme.example', 'consumer', '{M-2}', '{south}'),
        ('operator@acme.example', 'operator', '{}', '{}') $$,
    'an operator sees the tenant''s people'
);
select is((select array_agg(name) from api.users where regions @> '{north}'), '{alice}', 'by region');
select is((select count(*) from api.meter_ownerships), 2::bigint, 'and who owns which meter');
select throws_ok(
    $$ select password_hash from auth.user_account $$, '42501', null, 'nobody sees what signing in needs'
);
set local role segs_api;
select throws_ok($$ select password_hash from auth.user_account $$, '42501', null, 'not even the API');
select throws_ok($$ select token_hash from auth.device_token $$, '42501', null, 'nor hashes of devices');
select tap.sign_in('acme', 'alice');
select throws_ok(format($$ select from api.%I $$, name), '42501', null, 'a consumer sees no ' || name)
from unnest(array['users', 'meter_ownerships', 'late_readings', 'data_quality', 'quarantined_readings']) as name;

-- Late: the window was closed at 10:15:30 with one reading; two more came, one of them of the next window.
select tap.sign_out();
insert into grid.reading (ts, meter_id, energy, received_at)
values
('2026-01-01 10:01Z', tap.meter('acme', 'M-1'), 1000000, '2026-01-01 10:02Z'),
('2026-01-01 10:03Z', tap.meter('acme', 'M-1'), 2000000, '2026-01-01 10:20Z'),
('2026-01-01 10:04Z', tap.meter('acme', 'M-1'), 4000000, '2026-01-01 10:30Z'),
('2026-01-01 10:04Z', tap.meter('acme', 'M-2'), 1000000, '2026-01-01 10:30Z'),
('2026-01-01 10:04Z', tap.meter('other', 'M-1'), 7000000, '2026-01-01 10:30Z');
insert into grid.region_load (tenant_id, region_id, window_start, revision, energy, meters, readings, closed_at)
select tap.tenant(t.code), tap.region(t.code, 'north'), '2026-01-01 10:00Z', r.revision, 1, 1, 1, r.at
from (values ('acme'), ('other')) as t (code),
    (values (1, '2026-01-01 10:15:30Z'::timestamptz), (2, '2026-01-01 10:21Z'), (3, '2026-01-01 10:31Z')) as r (
        revision, at
    );
select tap.sign_in('acme', 'operator');
select results_eq(
    $$ select * from api.late_readings $$,
    $$ values ('M-1', 'north', '2026-01-01 10:00Z'::timestamptz, 2::bigint, 6::numeric,
        '2026-01-01 10:20Z'::timestamptz, '2026-01-01 10:30Z'::timestamptz, '2026-01-01 10:15:30Z'::timestamptz) $$,
    'late readings of restated windows, per meter'
);

-- Quality: yesterday in Berlin with every other quarter of an hour.
select tap.sign_out();
create temp table yesterday as
select (now() at time zone 'Europe/Berlin')::date - 1 as day;
grant select on yesterday to public;
select tap.read(t.code, 'M-1', at, 1)
from yesterday as y,
    (values ('acme'), ('other')) as t (code),
    generate_series(
        grid.day_start(y.day, 'Europe/Berlin'),
        grid.day_start(y.day + 1, 'Europe/Berlin') - interval '1 second', interval '30 minutes'
    ) as at;
update grid.meter
set
    installed_at = grid.day_start(y.day, 'Europe/Berlin') + interval '1 hour',
    retired_at = grid.day_start(y.day, 'Europe/Berlin') + interval '3 hours'
from yesterday as y
where meter_id = tap.meter('acme', 'M-2');
select tap.sign_in('acme', 'operator');
select results_eq(
    $$ select d.meter_id, d.received * 2 = d.expected, d.missing = d.received, d.complete_percent
    from api.data_quality as d, yesterday as y where d.day = y.day and d.meter_id in ('M-1', 'M-3') order by 1 $$,
    $$ values ('M-1', true, true, 50.00), ('M-3', false, false, 0.00) $$, 'half of it is missing'
);
select results_eq(
    $$ select d.expected, d.received from api.data_quality as d where d.meter_id = 'M-2' $$,
    $$ values (8::bigint, 0::bigint) $$, 'nothing is expected before a meter is installed or after it retires'
);
select is((select count(distinct day) from api.data_quality), 35::bigint, 'of the last 35 days');
select ok(
    (select expected <= 96 and expected >= 0 from api.data_quality where meter_id = 'M-1' order by day desc limit 1),
    'of today only what can have come'
);
select is((select sum(received)::bigint from api.data_quality where meter_id = 'M-1'), (
    select count(*) from api.readings as r, yesterday as y
    where r.meter_id = 'M-1' and r.timestamp >= y.day - 1
), 'and nothing of the other tenant''s meter of that name');

-- Quarantine.
select tap.sign_out();
insert into ingest.quarantine (tenant_id, source, code, message, reading)
select
    tap.tenant(q.tenant), 'http', 'unknown_meter', 'no such meter',
    jsonb_build_object('meter_id', q.meter, 'timestamp', q.at, 'kwh', 1)
from (
    values ('acme', 'N-1', now() - interval '1 hour'), ('acme', 'N-1', now() - interval '1 hour'),
    ('acme', 'N-2', now() - interval '1 hour'), ('acme', 'N-1', now() - interval '40 days'),
    ('other', 'N-1', now() - interval '1 hour')
) as q (tenant, meter, at);
create temp table ids as
select array_agg(quarantine_id order by quarantine_id) as id from ingest.quarantine;
grant select on ids to public;
select tap.sign_in('acme', 'operator');
select is((select count(quarantine_id) from api.quarantined_readings), 4::bigint, 'an operator inspects quarantine');
select lives_ok(
    $$ select api.register_meters('[{"meter_id": "N-1", "region": "north"}]') $$, 'and registers what was unknown'
);
select results_eq(
    $$ select r.outcome, r.code, r.message from api.replay_quarantined((select id || -1::bigint from ids)) as r
    order by r.quarantine_id $$,
    $$ values ('not_found', null, null), ('accepted', null, null), ('duplicate', null, null),
        ('refused', 'unknown_meter', 'no such meter'),
        ('refused', 'time_too_old', 'timestamp is older than the accepted age of 35 days'),
        ('not_found', null, null) $$,
    'each is judged again; the other tenant''s is not there'
);
select is((select count(*) from api.readings where meter_id = 'N-1'), 1::bigint, 'what is good is stored, once');
select is(
    (select count(*) from api.quarantined_readings where replayed_at is not null), 2::bigint, 'and marked as replayed'
);
select is((select count(*) from api.quarantined_readings), 4::bigint, 'nothing is quarantined twice');
select results_eq(
    $$ select r.outcome from ids, api.replay_quarantined(array[id[1], id[3], null]) as r
    order by r.quarantine_id $$,
    $$ values ('replayed_before'), ('refused') $$, 'again does no harm'
);
select throws_ok($$ select api.replay_quarantined('{}') $$, 'PT422', null, 'nothing to replay');
select throws_ok($$ select api.replay_quarantined(null) $$, 'PT422', null, 'or no list');
select throws_ok(
    $$ select api.replay_quarantined(array_fill(1::bigint, array[1001])) $$, 'PT422', null, 'or too long a one'
);
select tap.sign_in('acme', 'alice');
select throws_ok($$ select api.replay_quarantined('{1}') $$, '42501', null, 'a consumer replays nothing');
select tap.sign_out();
select results_eq(
    $$ select source, accepted, duplicates, rejected from ingest.batch
    where tenant_id = tap.tenant('acme') order by batch_id $$,
    $$ values ('replay', 1, 1, 2), ('replay', 0, 0, 1) $$, 'the log of batches says so'
);
select is((select replayed_at from ingest.quarantine where tenant_id = tap.tenant('other')), null, 'another''s stays');
select * from finish();
rollback;
