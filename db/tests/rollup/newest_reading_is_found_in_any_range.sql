begin;
select plan(7);

delete from grid.reading;
select is(rollup.newest_reading('-infinity', '2026-03-02 12:00:00Z'), null, 'there is none');
insert into grid.tenant (code, name) values ('alpha', 'Alpha');
select grid.register_meters(
    (select tenant_id from grid.tenant where code = 'alpha'), '[{"meter_id": "A-1", "region": "north"}]'
);
insert into grid.reading (ts, meter_id, energy)
select t.ts, m.meter_id, 1
from grid.meter as m
join grid.tenant as g on g.tenant_id = m.tenant_id and g.code = 'alpha'
cross join (
    values
    ('2026-01-05 10:00:30Z'::timestamptz), ('2026-03-02 10:00:30.5Z'),
    ('2026-03-02 10:00:31Z'), ('2026-03-02 12:00:00Z')
) as t (ts);
select is(rollup.newest_reading('-infinity', '2026-03-02 12:00:00Z'), '2026-03-02 12:00:00Z', 'the end is included');
select is(
    rollup.newest_reading('-infinity', '2026-03-02 11:59:59Z'), '2026-03-02 10:00:31Z', 'the newest of several is found'
);
select is(
    rollup.newest_reading('2026-03-02 10:00:30Z', '2026-03-02 10:00:30.9Z'), '2026-03-02 10:00:30.5Z',
    'in a narrow range too'
);
select is(
    rollup.newest_reading('-infinity', '2026-03-02 10:00:30Z'), '2026-01-05 10:00:30Z', 'and after a gap of weeks'
);
select is(
    rollup.newest_reading('2026-03-02 10:00:31Z', '2026-03-02 11:00:00Z'), '2026-03-02 10:00:31Z',
    'the beginning is included'
);
select is(rollup.newest_reading('2026-03-02 10:00:32Z', '2026-03-02 11:00:00Z'), null, 'a range may have none');

select * from finish();
rollback;
