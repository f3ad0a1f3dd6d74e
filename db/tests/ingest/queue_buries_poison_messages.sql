begin;
select plan(5);

delete from pgmq.q_raw_readings;
delete from pgmq.q_raw_readings_dead;
insert into grid.tenant (code, name) values ('alpha', 'Alpha');
select grid.register_meters(t.tenant_id, '[{"meter_id": "A-1", "region": "north"}]')
from grid.tenant as t where t.code = 'alpha';
select pgmq.send('raw_readings', m.message::jsonb)
from (
    values
    ('[1, 2]'),
    ('{"readings": []}'),
    ('{"tenant": "nobody", "readings": [{}]}'),
    ('{"tenant": "alpha", "readings": {}}'),
    ('{"tenant": "alpha", "readings": []}'),
    ('{"tenant": "alpha", "readings": [{"meter_id": "A-1", "timestamp": "2026-03-02T12:00:00Z", "kwh": 1}]}')
) as m (message);

select results_eq(
    $$ select messages, accepted, duplicates, rejected, dead from ingest.drain_queue(500, '2026-03-02 12:01:00Z') $$,
    $$ values (6, 1, 0, 0, 5) $$, 'messages that can never be taken in do not stop the others'
);
select bag_eq(
    $$ select message ->> 'reason' from pgmq.q_raw_readings_dead $$,
    array[
        'the message is not an object', 'tenant is not a string', 'no such tenant', 'readings is not an array',
        'readings is empty'
    ],
    'they go to the dead-letter queue, each with its reason'
);
select bag_has(
    $$ select message -> 'message' from pgmq.q_raw_readings_dead $$,
    $$ values ('[1, 2]'::jsonb) $$,
    'and with what it was'
);

-- A message that fails every time: here, because its readings cannot be stored at all.
alter table grid.reading add constraint nothing_today check (quality > 3) not valid;
select pgmq.send('raw_readings', '{"tenant": "alpha", "readings": [
    {"meter_id": "A-1", "timestamp": "2026-03-02T12:00:30Z", "kwh": 1}]}');
set local client_min_messages = error;
do $$
begin
    for attempt in 1..5 loop
        perform ingest.drain_queue(500, '2026-03-02 12:01:00Z');
        update pgmq.q_raw_readings set vt = '-infinity';
    end loop;
end;
$$;
select is(
    (select read_ct from pgmq.q_raw_readings), 5, 'a message that breaks is delivered again'
);
select is(
    (select dead from ingest.drain_queue(500, '2026-03-02 12:01:00Z')), 1,
    'until it has been delivered often enough'
);

select * from finish();
rollback;
