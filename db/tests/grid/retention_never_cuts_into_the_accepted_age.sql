begin;
select plan(6);

update grid.retention set keep = '90 days' where name = 'readings';
select is(
    grid.kept_since('readings', '2026-06-01 00:00:00Z'),
    '2026-03-03 00:00:00Z',
    'readings are kept as long as their row says'
);
update grid.retention set keep = '1 day' where name in ('readings', 'readings_1m', 'events');
select is(
    grid.kept_since('readings_1m', '2026-06-01 00:00:00Z'), '2026-04-25 00:00:00Z',
    'but never shorter than a late reading may be old'
);
select is(
    grid.kept_since('events', '2026-06-01 00:00:00Z'), '2026-05-31 00:00:00Z', 'which does not matter to anything else'
);
update grid.retention set keep = null where name = 'readings_1h';
select is(grid.kept_since('readings_1h', now()), '-infinity', 'null keeps for ever');

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
select grid.register_meters(
    (select tenant_id from grid.tenant where code = 'alpha'), '[{"meter_id": "A-1", "region": "north"}]'
);
insert into grid.reading (ts, meter_id, energy)
select t.ts, m.meter_id, 1
from grid.meter as m
join grid.tenant as g on g.tenant_id = m.tenant_id and g.code = 'alpha'
cross join (values ('2020-01-01 00:00:00Z'::timestamptz), ('2020-01-30 00:00:00Z')) as t (ts);
select cmp_ok(grid.drop_old_readings('2020-02-10 00:00:00Z'), '>=', 1, 'old chunks are dropped');
select set_eq(
    $$ select r.ts from grid.reading as r where r.ts < '2020-03-01' $$,
    $$ values ('2020-01-30 00:00:00Z'::timestamptz) $$, 'and the rest stays'
);

select * from finish();
rollback;
