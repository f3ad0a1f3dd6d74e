begin;
select plan(3);

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
select grid.register_meters(
    (select tenant_id from grid.tenant where code = 'alpha'),
    '[{"meter_id": "A-1", "region": "north"}, {"meter_id": "A-2", "region": "north"}]'
);
create temporary table meter as
select m.code, m.meter_id from grid.meter as m join grid.tenant as t using (tenant_id) where t.code = 'alpha';
update rollup.definition set threshold = '2026-03-02 12:00:00Z', materialised_until = '-infinity' where name = '1m';
create temporary view logged as
select m.code, l.name, l.bucket, l.readings, l.energy, l.energy_min, l.energy_max
from rollup.late as l join meter as m using (meter_id);

insert into grid.reading (ts, meter_id, energy)
select v.ts, m.meter_id, 1
from meter as m
join
    (values ('A-1', '2026-03-02 12:00:00Z'::timestamptz), ('A-2', '2026-03-02 12:30:00Z')) as v (code, ts)
    using (code);
select is_empty('select * from logged', 'readings from the threshold on are not late');

insert into grid.reading (ts, meter_id, energy)
select v.ts, m.meter_id, v.energy
from meter as m
join (
    values
    ('A-1', '2026-03-02 11:59:59.999Z'::timestamptz, 5), ('A-1', '2026-03-02 11:59:00Z', -2),
    ('A-1', '2026-03-02 12:00:30Z', 1), ('A-2', '2026-03-02 09:30:10Z', 1)
) as v (code, ts, energy) using (code);
select set_eq(
    'table logged',
    $$ values
        ('A-1', '1m', '2026-03-02 11:59:00Z'::timestamptz, 2::bigint, 3::bigint, -2::bigint, 5::bigint),
        ('A-1', '15m', '2026-03-02 11:45:00Z', 2, 3, -2, 5), ('A-1', '1h', '2026-03-02 11:00:00Z', 2, 3, -2, 5),
        ('A-2', '1m', '2026-03-02 09:30:00Z', 1, 1, 1, 1), ('A-2', '15m', '2026-03-02 09:30:00Z', 1, 1, 1, 1),
        ('A-2', '1h', '2026-03-02 09:00:00Z', 1, 1, 1, 1) $$,
    'readings below it are: what they add, one entry a meter and bucket of each rollup'
);
insert into grid.reading (ts, meter_id, energy)
select '2026-03-02 11:59:00Z', meter_id, 1 from meter where code = 'A-1' on conflict do nothing;
select is(
    (select count(*) from logged), 6::bigint,
    'a duplicate changes nothing and logs nothing'
);

select * from finish();
rollback;
