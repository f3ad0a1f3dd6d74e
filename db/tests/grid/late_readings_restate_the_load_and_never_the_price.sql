begin;
select plan(11);

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
create temporary table one as select tenant_id from grid.tenant where code = 'alpha';
select grid.register_meters(
    (select tenant_id from one), '[{"meter_id": "A-1", "region": "north"}, {"meter_id": "A-2", "region": "south"}]'
);
create temporary table meter as
select m.code, m.meter_id from grid.meter as m where m.tenant_id = (select tenant_id from one);
create temporary view load as
select r.code as region, l.window_start, l.revision, l.energy, l.readings
from grid.region_load as l join grid.region as r using (region_id)
where l.tenant_id = (select tenant_id from one) and r.code in ('north', 'south');

insert into grid.reading (ts, meter_id, energy)
select t.ts, m.meter_id, 1000
from meter as m
cross join (values ('2026-03-02 12:01:00Z'::timestamptz), ('2026-03-02 12:16:00Z')) as t (ts);
select count(*) from grid.seal_windows('2026-03-02 12:32:00Z');
select is(
    (select count(*) from grid.late_window join meter using (meter_id)), 0::bigint, 'readings in time are not logged'
);

-- sealed, not yet closed: a reading of now is late for the first window, and closing sees it
insert into grid.reading (ts, meter_id, energy)
select '2026-03-02 12:02:00Z', meter_id, 5
from meter
where code = 'A-1';
select is(
    (select count(*) from grid.late_window join meter using (meter_id)), 1::bigint,
    'a reading below the seal is logged, one entry a meter and window'
);
select is(grid.restate_late_windows('2026-03-02 12:32:00Z'), 0, 'a window that is not yet closed is not restated');
select is(grid.close_sealed_windows('2026-03-02 12:32:00Z'), 2, 'both windows close');
select is(
    grid.restate_late_windows('2026-03-02 12:32:00Z'), 0,
    'what closing has already counted restates nothing'
);

create temporary table price as
select region_id, window_start, price from tariff.price where tenant_id = (select tenant_id from one);
insert into grid.reading (ts, meter_id, energy)
select t.ts, meter_id, 999000000
from meter cross join (values ('2026-03-02 12:03:00Z'::timestamptz), ('2026-03-02 12:04:00Z')) as t (ts)
where code = 'A-1';
select is(grid.restate_late_windows('2026-03-02 12:40:00Z'), 1, 'late readings restate their window');
select results_eq(
    $$ select region, window_start, revision, energy, readings from load order by region, window_start, revision $$,
    $$ values
        ('north', '2026-03-02 12:00:00Z'::timestamptz, 1, 1005::bigint, 2::bigint),
        ('north', '2026-03-02 12:00:00Z', 2, 1998001005, 4),
        ('north', '2026-03-02 12:15:00Z', 1, 1000, 1),
        ('south', '2026-03-02 12:00:00Z', 1, 1000, 1),
        ('south', '2026-03-02 12:15:00Z', 1, 1000, 1) $$,
    'as a second revision, of the regions that changed alone'
);
select set_eq(
    $$ select region_id, window_start, price from tariff.price where tenant_id = (select tenant_id from one) $$,
    $$ select region_id, window_start, price from price $$, 'no price changes'
);
select is(grid.restate_late_windows('2026-03-02 12:40:00Z'), 0, 'and restating again finds nothing to do');

insert into grid.reading (ts, meter_id, energy)
select '2026-03-02 09:01:00Z', meter_id, 1 from meter where code = 'A-1';
select is(grid.restate_late_windows('2026-03-02 12:40:00Z'), 1, 'a window from before the first is stated too');
select is_empty(
    $$ select * from tariff.price
       where tenant_id = (select tenant_id from one) and window_start = '2026-03-02 09:15:00Z' $$,
    'without a price for the past'
);

select * from finish();
rollback;
