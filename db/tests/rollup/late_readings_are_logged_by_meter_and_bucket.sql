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
-- Continuous aggregates keep such a log themselves: there this one stays empty.
create temporary view logged as
select m.code, l.name, l.bucket from rollup.late as l join meter as m using (meter_id);

insert into grid.reading (ts, meter_id, energy)
select v.ts, m.meter_id, 1
from meter as m
join
    (values ('A-1', '2026-03-02 12:00:00Z'::timestamptz), ('A-2', '2026-03-02 12:30:00Z')) as v (code, ts)
    using (code);
select is_empty('select * from logged', 'readings from the threshold on are not late');

insert into grid.reading (ts, meter_id, energy)
select v.ts, m.meter_id, 1
from meter as m
join (
    values
    ('A-1', '2026-03-02 11:59:59.999Z'::timestamptz), ('A-1', '2026-03-02 11:59:00Z'), ('A-1', '2026-03-02 12:00:30Z'),
    ('A-2', '2026-03-02 09:30:10Z')
) as v (code, ts) using (code);
select set_eq(
    'select code, name, bucket from logged',
    $$ select v.* from (values
        ('A-1', '1m', '2026-03-02 11:59:00Z'::timestamptz), ('A-2', '1m', '2026-03-02 09:30:00Z')) as v
       where rollup.driver() = 'incremental' $$,
    'readings below it are, one entry a meter and bucket'
);
insert into grid.reading (ts, meter_id, energy)
select '2026-03-02 11:59:00Z', meter_id, 1 from meter where code = 'A-1' on conflict do nothing;
select is(
    (select count(*) from logged), case rollup.driver() when 'incremental' then 2 else 0 end::bigint,
    'a duplicate changes nothing and logs nothing'
);

select * from finish();
rollback;
