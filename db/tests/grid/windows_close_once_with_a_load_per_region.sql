begin;
select plan(9);

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
create temporary table one as select tenant_id from grid.tenant where code = 'alpha';
select grid.register_meters(
    (select tenant_id from one),
    '[{"meter_id": "A-1", "region": "north", "installed_at": "2026-01-01T00:00:00Z"},
      {"meter_id": "A-2", "region": "north", "installed_at": "2026-01-01T00:00:00Z"},
      {"meter_id": "A-3", "region": "south", "installed_at": "2026-01-01T00:00:00Z"}]'
);
create temporary view load as
select r.code as region, l.window_start, l.revision, l.energy, l.meters, l.readings
from grid.region_load as l join grid.region as r using (region_id) where l.tenant_id = (select tenant_id from one);

insert into grid.reading (ts, meter_id, energy)
select v.ts, m.meter_id, v.energy
from (
    values
    ('2026-03-02 12:00:00Z'::timestamptz, 'A-1', 1000::bigint),
    ('2026-03-02 12:14:59Z', 'A-1', 2000),
    ('2026-03-02 12:05:00Z', 'A-2', 10000000000),
    ('2026-03-02 12:15:00Z', 'A-1', 7),
    ('2026-03-02 12:40:00Z', 'A-3', -5)
) as v (ts, code, energy)
join grid.meter as m on m.code = v.code and m.tenant_id = (select tenant_id from one);

select is_empty(
    $$ select * from grid.seal_windows('2026-03-02 12:16:29Z') where tenant_id = (select tenant_id from one) $$,
    'no window is over before its grace period has passed'
);
select results_eq(
    $$ select sealed_until from grid.seal_windows('2026-03-02 12:16:30Z')
       where tenant_id = (select tenant_id from one) $$,
    $$ values ('2026-03-02 12:15:00Z'::timestamptz) $$, 'then it is, from the tenant''s first reading on'
);
select is(grid.close_sealed_windows('2026-03-02 12:16:30Z'), 1, 'the sealed window is closed');
select results_eq(
    $$ select region, energy, meters, readings from load order by energy desc, region $$,
    $$ values ('north', 10000003000::bigint, 2, 3::bigint), ('central', 0, 0, 0), ('east', 0, 0, 0),
              ('south', 0, 0, 0), ('west', 0, 0, 0) $$,
    'with the exact load of every region, silent ones too'
);
select is(
    (
        select count(*)
        from tariff.price
        where tenant_id = (select tenant_id from one) and window_start = '2026-03-02 12:15:00Z'
    ),
    5::bigint, 'which prices the next window'
);
select is(grid.close_sealed_windows('2026-03-02 12:16:30Z'), 0, 'closing again finds nothing to do');

select count(*) from grid.seal_windows('2026-03-02 13:02:00Z');
select
    is(
        grid.close_sealed_windows('2026-03-02 13:02:00Z', 2),
        2,
        'a downtime leaves several: oldest first, as many as asked for'
    );
select is((select max(window_start) from load), '2026-03-02 12:30:00Z', 'without a gap');
select is(grid.close_sealed_windows('2026-03-02 13:02:00Z'), 1, 'and the rest with the next call');

select * from finish();
rollback;
