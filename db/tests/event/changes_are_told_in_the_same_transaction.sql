begin;
select plan(14);
select tap.make_tenant('acme');
delete from event.log;
select tap.close('acme', 'north', '2026-01-01 10:00Z', 500.25);
select tap.close('acme', 'north', '2026-01-01 10:00Z', 501, 2);
select results_eq(
    $$ select topic, payload - '{window_end,currency}'::text [] from event.log order by id $$,
    $$
    values
        ('load.closed', '{"region": "north", "window_start": "2026-01-01T10:00:00+00:00", "revision": 1,
            "energy_kwh": 500.25, "meters": 1, "readings": 1}'::jsonb),
        ('price.published', '{"region": "north", "window_start": "2026-01-01T10:15:00+00:00", "price": 0.18003,
            "multiplier": 1.50025}'),
        ('load.restated', '{"region": "north", "window_start": "2026-01-01T10:00:00+00:00", "revision": 2,
            "energy_kwh": 501, "meters": 1, "readings": 1}')
    $$,
    'a closed window, its price, a restatement'
);
select is((select count(distinct xid) from event.log), 1::bigint, 'all in this transaction');
select is((select distinct xid from event.log), pg_current_xact_id(), 'which is this one');
select
    is((select array_agg(distinct region_id) from event.log), array[tap.region('acme', 'north')], 'about this region');

select results_eq(
    $$ select topic, lower(happened), upper(happened) from event.log order by id $$,
    $$
    values
        ('load.closed', '2026-01-01 10:00Z'::timestamptz, '2026-01-01 10:15Z'::timestamptz),
        ('price.published', '2026-01-01 10:15Z', '2026-01-01 10:30Z'),
        ('load.restated', '2026-01-01 10:00Z', '2026-01-01 10:15Z')
    $$,
    'and of what time each tells'
);
delete from event.log;
select alert.raise(tap.tenant('acme'), tap.meter('acme', 'M-1'), 'zero', 'info', at)
from (values ('2026-01-01 11:00Z'::timestamptz), ('2026-01-01 11:30Z')) as a (at);
select results_eq(
    $$ select topic, happened from event.log order by id $$,
    $$
    values
        ('alert.raised', '["2026-01-01 10:45:00+00","2026-01-01 11:00:00+00")'::tstzrange),
        ('alert.repeated', '["2026-01-01 10:45:00+00","2026-01-01 11:30:00+00")')
    $$,
    'an alert of all the windows that showed it'
);
select
    throws_ok(
        format(
            $$ insert into event.log (tenant_id, topic, happened, payload) values (%s, 'load.closed', %L, '{}') $$,
            tap.tenant('acme'), wrong
        ),
        '23514', null, format('a time that no listener could judge is refused: %s', wrong)
    )
from unnest(array['empty', '(,)', '[2026-01-01,infinity)', '[-infinity,2026-01-01)']) as wrong;
delete from event.log;
insert into grid.region_load (tenant_id, region_id, window_start, energy, meters, readings)
select r.tenant_id, r.region_id, w, 1, 1, 1
from grid.region as r, generate_series('2026-01-03'::timestamptz, '2026-01-03 12:00', interval '15 minutes') as w
where r.tenant_id = tap.tenant('acme');
select is((select count(*) from event.log), 490::bigint, 'a statement of 245 loads tells 245 loads and 245 prices');
select is(
    (select max(id) from event.log where topic = 'load.closed')
    < (select min(id) from event.log where topic <> 'load.closed'),
    true, 'the loads first: what follows from them comes after'
);
insert into grid.region_load (tenant_id, region_id, window_start, energy, meters, readings)
select 1, 1, now(), 1, 1, 1 where false;
update alert.alert set severity = severity;
select is((select count(*) from event.log), 490::bigint, 'statements that change nothing tell nothing');
select event.emit(tap.tenant('acme'), 'load.closed', tap.region('acme', 'east'), null, '{"region": "east"}');
select is((select payload ->> 'region' from event.log order by id desc limit 1), 'east', 'emit writes one event');
select * from finish();
rollback;
