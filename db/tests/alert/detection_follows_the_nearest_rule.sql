begin;
select plan(21);
select tap.make_tenant('acme');
select grid.register_meters(tap.tenant('acme'), '[
    {"meter_id": "T-1", "region": "north", "kind": "two_way", "installed_at": "2020-01-01T00:00:00Z"},
    {"meter_id": "LATE", "region": "north", "installed_at": "2026-01-01T10:05:00Z"}]');

create function pg_temp.found(at timestamptz) returns text
language sql
as $$
    select string_agg(format('%s %s', m.code, v.kind), ', ' order by m.code)
    from alert.violations(tap.tenant('acme'), at) as v join grid.meter as m using (meter_id)
$$;
create function pg_temp.quiet(at timestamptz, but text[] default '{}') returns void
language sql
as $$
    select tap.read('acme', m.code, at + interval '1 minute', 0.1)
    from grid.meter as m
    where m.tenant_id = tap.tenant('acme') and m.code <> all (but)
$$;

update grid.meter set begins_at = null where tenant_id = tap.tenant('acme');
select is(pg_temp.found('2026-01-01 10:00Z'), null, 'a meter that has never sent is not silent');
update grid.meter set begins_at = '2025-12-31Z' where tenant_id = tap.tenant('acme');
select is(
    pg_temp.found('2026-01-01 10:00Z'), 'M-1 silent, M-2 silent, M-3 silent, M-4 silent, M-5 silent, T-1 silent',
    'one without readings is, unless it came later'
);
update grid.meter set retired_at = '2026-01-01 09:00Z' where meter_id = tap.meter('acme', 'M-5');
select is(
    pg_temp.found('2026-01-01 10:00Z'), 'M-1 silent, M-2 silent, M-3 silent, M-4 silent, T-1 silent', 'or has gone'
);
select pg_temp.quiet('2026-01-02 10:00Z', '{M-1,M-2,M-3,T-1}');
select tap.read('acme', 'M-1', '2026-01-02 10:00Z', 100);
select tap.read('acme', 'M-1', '2026-01-02 10:14:59Z', 0.000001);
select tap.read('acme', 'M-2', '2026-01-02 10:05Z', 2), tap.read('acme', 'M-2', '2026-01-02 10:06Z', -2);
select tap.read('acme', 'M-3', '2026-01-02 10:05Z', -1);
select tap.read('acme', 'T-1', '2026-01-02 10:05Z', -1);
select is(
    pg_temp.found('2026-01-02 10:00Z'), 'M-1 high, M-2 zero, M-3 negative',
    'high above 100 kWh a window, zero, negative unless two-way'
);

select pg_temp.quiet('2026-01-03 10:00Z', '{M-1,M-4}');
select tap.read('acme', 'M-1', '2026-01-03 10:05Z', 100), tap.read('acme', 'M-4', '2026-01-03 10:05Z', 100);
select is(pg_temp.found('2026-01-03 10:00Z'), null, '100 kWh is not above 100 kWh');
insert into alert.rule (tenant_id, kind, user_id, threshold, severity)
values (tap.tenant('acme'), 'high', tap.account('acme', 'alice'), 50000000, 'critical');
select is(pg_temp.found('2026-01-03 10:00Z'), 'M-1 high', 'the owner''s threshold holds for their meters only');
select is(
    (select severity || threshold from alert.violations(tap.tenant('acme'), '2026-01-03 10:00Z')), 'critical50000000',
    'with its severity'
);
insert into alert.rule (tenant_id, kind, meter_id, threshold)
values
(tap.tenant('acme'), 'high', tap.meter('acme', 'M-1'), 200000000),
(tap.tenant('acme'), 'high', tap.meter('acme', 'M-4'), 90000000);
select is(pg_temp.found('2026-01-03 10:00Z'), 'M-4 high', 'a meter''s own rule beats its owner''s and the tenant''s');
update alert.rule set enabled = false where meter_id = tap.meter('acme', 'M-4');
select is(pg_temp.found('2026-01-03 10:00Z'), null, 'and silences them when disabled');
delete from alert.rule where meter_id = tap.meter('acme', 'M-1');
update grid.meter_ownership set period = '[2020-01-01 00:00Z, 2026-01-03 00:00Z)'
where meter_id = tap.meter('acme', 'M-1');
select is(pg_temp.found('2026-01-03 10:00Z'), null, 'a former owner''s rule holds no longer');

select is(alert.detect(tap.tenant('acme'), '2026-01-02 10:00Z'), 3, 'detect says how many it raised');
select results_eq(
    $$
    select m.code, a.kind, a.severity, a.status, a.raised_at, a.occurrences, a.value, a.threshold
    from alert.alert as a join grid.meter as m using (meter_id) where a.tenant_id = tap.tenant('acme') order by m.code
    $$,
    $$
    values
        ('M-1', 'high', 'critical', 'active', '2026-01-02 10:15Z'::timestamptz, 1, 100000001::bigint, 50000000::bigint),
        ('M-2', 'zero', 'info', 'active', '2026-01-02 10:15Z', 1, 0, null),
        ('M-3', 'negative', 'warning', 'active', '2026-01-02 10:15Z', 1, -1000000, null)
    $$,
    'raised at the end of the window, with what was seen'
);
select is(alert.detect(tap.tenant('acme'), '2026-01-02 10:00Z'), 0, 'the same window again raises nothing');
select
    is(
        (select sum(occurrences) from alert.alert where tenant_id = tap.tenant('acme')), 3::bigint, 'and counts nothing'
    );

select pg_temp.quiet(w, '{M-3}'), tap.read('acme', 'M-3', w, -2)
from unnest(array['2026-01-02 10:15Z', '2026-01-02 10:30Z', '2026-01-02 10:45Z', '2026-01-02 11:00Z']::timestamptz[])
        as w;
select is(alert.detect(tap.tenant('acme'), '2026-01-02 10:15Z'), 0, '15 minutes later: counted');
select is(alert.detect(tap.tenant('acme'), '2026-01-02 10:30Z'), 0, '30 minutes later: counted');
select is(alert.detect(tap.tenant('acme'), '2026-01-02 10:45Z'), 0, '45 minutes later: counted');
select is(alert.detect(tap.tenant('acme'), '2026-01-02 11:00Z'), 1, 'an hour later: raised again');
select results_eq(
    $$
    select occurrences, value, last_seen_at from alert.alert
    where meter_id = tap.meter('acme', 'M-3') order by raised_at
    $$,
    $$ values (4, -2000000::bigint, '2026-01-02 11:00Z'::timestamptz), (1, -2000000, '2026-01-02 11:15Z') $$,
    'with the latest value and time'
);
select is(
    (select count(*) from event.log where topic = 'alert.repeated' and meter_id = tap.meter('acme', 'M-3')), 3::bigint,
    'and each repeat is told'
);
select is(alert.detect(tap.tenant('acme'), '2019-01-01 10:00Z'), 0, 'a window before any meter shows nothing');
select * from finish();
rollback;
