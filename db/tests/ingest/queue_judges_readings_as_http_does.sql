begin;
select plan(9);

delete from pgmq.q_raw_readings;
insert into grid.tenant (code, name) values ('alpha', 'Alpha'), ('beta', 'Beta');
select grid.register_meters(t.tenant_id, '[{"meter_id": "A-1", "region": "north", "kind": "two_way"}]')
from grid.tenant as t where t.code = 'alpha';
select grid.register_meters(t.tenant_id, '[{"meter_id": "B-1", "region": "north"}]')
from grid.tenant as t where t.code = 'beta';

select pgmq.send('raw_readings', jsonb_build_object('tenant', 'alpha', 'readings', r.readings::jsonb))
from (values (
    '[{"meter_id": "A-1", "timestamp": "2026-03-02T12:00:00Z", "kwh": 1.5, "voltage": 230.5, "current": null},
      {"meter_id": "A-1", "timestamp": "2026-03-02T13:00:00.000+01:00", "kwh": 1.50},
      {"meter_id": "A-1", "timestamp": "2026-03-02T13:00:00.000+01:00", "kwh": 9},
      {"meter_id": "A-1", "timestamp": "2026-03-02T12:05:00Z", "kwh": -0.25},
      {"meter_id": "A-1", "timestamp": "2026-03-02T12:05:01Z", "kwh": 1}]'
), (
    '[{"meter_id": "X", "timestamp": "2026-03-02T12:00:00Z", "kwh": 1},
      {"meter_id": "B-1", "timestamp": "2026-03-02T12:00:00Z", "kwh": 1},
      {"meter_id": "A-1", "timestamp": "2026-03-02T12:06:01Z", "kwh": 1},
      {"meter_id": "A-1", "timestamp": "9999-12-31T23:59:59Z", "kwh": 1},
      {"meter_id": "A-1", "timestamp": "2026-01-26T12:00:59Z", "kwh": 1},
      {"meter_id": "A-1", "timestamp": "2026-03-02T12:00:01Z", "kwh": 10000.000001},
      {"meter_id": "A-1", "timestamp": "2026-03-02T12:00:01Z", "kwh": -1e300}]'
), (
    '[{"meter_id": "A-1", "timestamp": "2026-03-02T12:00:02", "kwh": 1},
      {"meter_id": "A-1", "timestamp": "2026-02-30T12:00:02Z", "kwh": 1},
      {"meter_id": "A-1", "timestamp": 1772452802, "kwh": 1},
      {"meter_id": "A-1", "timestamp": "2026-03-02T12:00:02Z", "kwh": "1"},
      {"meter_id": "A-1", "timestamp": "2026-03-02T12:00:02Z"},
      {"meter_id": "A-1", "timestamp": "2026-03-02T12:00:02Z", "kwh": 1, "volts": 1},
      {"meter_id": "A-1", "timestamp": "2026-03-02T12:00:02Z", "kwh": 1, "voltage": -1},
      {"meter_id": 7, "timestamp": "2026-03-02T12:00:02Z", "kwh": 1}, null, [], "x"]'
)) as r (readings);

select results_eq(
    $$ select messages, accepted, duplicates, rejected, dead from ingest.drain_queue(500, '2026-03-02 12:01:00Z') $$,
    $$ values (3, 3, 1, 19, 0) $$, 'good ones are accepted once, all others are counted'
);
select results_eq(
    $$ select r.ts, r.energy, r.voltage, r.current
       from grid.reading as r join grid.meter as m using (meter_id) where m.code = 'A-1' order by r.ts $$,
    $$ values ('2026-03-02 12:00:00Z'::timestamptz, 1500000::bigint, 230.5::real, null::real),
              ('2026-03-02 12:05:00Z', -250000, null, null), ('2026-03-02 12:05:01Z', 1000000, null, null) $$,
    'energy in mWh; a repeated time does not count twice'
);
select bag_eq(
    $$ select q.code, q.message 
       from ingest.quarantine as q join grid.tenant as t using (tenant_id)
       where t.code = 'alpha' and q.code <> 'invalid_reading' $$,
    $$ values ('unknown_meter', 'no such meter'), ('unknown_meter', 'no such meter'),
              ('time_in_future', 'timestamp is more than 5 minutes ahead'),
              ('time_in_future', 'timestamp is more than 5 minutes ahead'),
              ('time_too_old', 'timestamp is older than the accepted age of 35 days'),
              ('energy_out_of_range', 'kwh is outside -10000 to 10000'),
              ('energy_out_of_range', 'kwh is outside -10000 to 10000'),
              ('conflict', 'another value is stored for this meter and time') $$,
    'refused readings are quarantined; a foreign meter is as unknown as one that is not there'
);
select results_eq(
    $$ select b.source, b.accepted, b.duplicates, b.rejected, b.first_ts, b.last_ts, b.received_at
       from ingest.batch as b join grid.tenant as t using (tenant_id) where t.code = 'alpha' $$,
    $$ values ('queue', 3, 1, 19, '2026-03-02 12:00:00Z'::timestamptz, '2026-03-02 12:05:01Z'::timestamptz,
               '2026-03-02 12:01:00Z'::timestamptz) $$,
    'the batch is logged'
);
select is((select count(*) from pgmq.q_raw_readings), 0::bigint, 'the messages leave the queue');
select is(
    (select count(*) from pgmq.a_raw_readings where message ->> 'tenant' = 'alpha'), 3::bigint, 'for its archive'
);
select results_eq(
    $$ select messages, accepted, duplicates, rejected, dead from ingest.drain_queue() $$,
    $$ values (0, 0, 0, 0, 0) $$, 'an empty queue is nothing'
);
select is(
    ingest.shape_error('{"meter_id": "A-1", "timestamp": "2026-03-02T12:00:00Z", "kwh": 1, "voltage": 1e-400}'), null,
    'a number too small for its column is no error'
);
select is(ingest.real_or_null('1e-400'), 0::real, 'it is zero');

select * from finish();
rollback;
