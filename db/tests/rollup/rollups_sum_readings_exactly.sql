begin;
select plan(5);

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
select grid.register_meters(
    (select tenant_id from grid.tenant where code = 'alpha'), '[{"meter_id": "A-1", "region": "north"}]'
);
create temporary table meter as
select m.meter_id from grid.meter as m join grid.tenant as t using (tenant_id) where t.code = 'alpha';

insert into grid.reading (ts, meter_id, energy)
select t.ts, meter_id, t.energy
from meter
cross join (
    values
    ('2099-03-02 12:00:00Z'::timestamptz, 1::bigint), ('2099-03-02 12:00:59.999Z', -3), ('2099-03-02 12:01:00Z', 5),
    ('2099-03-02 12:14:59Z', 7), ('2099-03-02 12:15:00Z', 10000000000)
) as t (ts, energy);

select results_eq(
    $$ select bucket, readings, energy, energy_min, energy_max
       from rollup.reading_1m join meter using (meter_id) order by bucket $$,
    $$ values ('2099-03-02 12:00:00Z'::timestamptz, 2::bigint, -2::bigint, -3::bigint, 1::bigint),
              ('2099-03-02 12:01:00Z', 1, 5, 5, 5), ('2099-03-02 12:14:00Z', 1, 7, 7, 7),
              ('2099-03-02 12:15:00Z', 1, 10000000000, 10000000000, 10000000000) $$,
    'one minute: a reading belongs to the bucket its time falls in, before anything is materialised'
);
select results_eq(
    $$ select bucket, readings, energy, energy_min, energy_max
       from rollup.reading_15m join meter using (meter_id) order by bucket $$,
    $$ values ('2099-03-02 12:00:00Z'::timestamptz, 4::bigint, 10::bigint, -3::bigint, 7::bigint),
              ('2099-03-02 12:15:00Z', 1, 10000000000, 10000000000, 10000000000) $$,
    'fifteen minutes'
);
select results_eq(
    $$ select bucket, readings, energy, energy_min, energy_max
       from rollup.reading_1h join meter using (meter_id) order by bucket $$,
    $$ values ('2099-03-02 12:00:00Z'::timestamptz, 5::bigint, 10000000010::bigint, -3::bigint, 10000000000::bigint) $$,
    'one hour'
);
select is(
    rollup.driver(),
    case current_setting('timescaledb.license') when 'timescale' then 'continuous_aggregate' else 'incremental' end,
    'the edition decides the driver'
);
select set_eq(
    'select distinct bucket is not null from rollup.reading_1h union select true',
    array[true],
    'no bucket is without its time'
);

select * from finish();
rollback;
