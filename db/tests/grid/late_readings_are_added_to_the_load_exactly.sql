begin;
select plan(13);

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
create temporary table one as select tenant_id from grid.tenant where code = 'alpha';
select grid.register_meters((select tenant_id from one), (
    select
        jsonb_agg(jsonb_build_object(
            'meter_id',
            'A-' || n,
            'region',
            case n % 2 when 0 then 'north' else 'south' end,
            'installed_at',
            '2026-01-01Z'
        ))
    from generate_series(1, 40) as n
));
create temporary table meter as
select m.code, m.meter_id from grid.meter as m where m.tenant_id = (select tenant_id from one);
create temporary view load as
select distinct on (l.region_id) r.code as region, l.revision, l.energy, l.readings, l.meters
from grid.region_load as l join grid.region as r using (region_id)
where l.tenant_id = (select tenant_id from one) and l.window_start = '2026-03-02 12:00:00Z'
    and r.code in ('north', 'south')
order by l.region_id asc, l.revision desc;

-- A-1 and A-2 are silent at first
insert into grid.reading (ts, meter_id, energy)
select t.ts, m.meter_id, 1000
from meter as m
cross join (values ('2026-03-02 12:01:00Z'::timestamptz), ('2026-03-02 12:06:00Z')) as t (ts)
where m.code not in ('A-1', 'A-2');
select count(*) from grid.seal_windows('2026-03-02 12:17:00Z');
insert into grid.reading (ts, meter_id, energy)
select '2026-03-02 12:02:00Z', meter_id, 7 from meter where code in ('A-1', 'A-4');
select grid.close_sealed_windows('2026-03-02 12:17:00Z');
select is_empty(
    'select from grid.late_window join meter using (meter_id)',
    'closing takes what its sums hold out of the log'
);
select results_eq(
    'select * from load order by region',
    $$ values
        ('north', 1, 38007::bigint, 39::bigint, 19),
        ('south', 1, 38007::bigint, 39::bigint, 20) $$,
    'and counts it'
);

-- a known meter twice, in two inserts, and one that had sent nothing, twice in one
insert into grid.reading (ts, meter_id, energy)
select '2026-03-02 12:03:00Z', meter_id, 10 from meter where code = 'A-4';
insert into grid.reading (ts, meter_id, energy)
select t.ts, meter_id, t.energy
from meter
cross join (values ('2026-03-02 12:04:00Z'::timestamptz, 100), ('2026-03-02 12:05:00Z', -30)) as t (ts, energy)
where code in ('A-2', 'A-4') and (code = 'A-2' or t.energy > 0);
select results_eq(
    $$ select m.code, l.readings, l.energy from grid.late_window as l join meter as m using (meter_id)
       order by m.code, l.energy $$,
    $$ values ('A-2', 2::bigint, 70::bigint), ('A-4', 1, 10), ('A-4', 1, 100) $$,
    'the log says how much each insert added to which meter'
);
select is(grid.restate_late_windows('2026-03-02 12:20:00Z'), 1, 'the window is restated');
select results_eq(
    'select * from load order by region',
    $$ values
        ('north', 2, 38187::bigint, 43::bigint, 20),
        ('south', 1, 38007::bigint, 39::bigint, 20) $$,
    'by what came late; a meter that had sent nothing counts from now on'
);
select is_empty('select from grid.late_window join meter using (meter_id)', 'which leaves the log');
select is(
    grid.restate_window((select tenant_id from one), '2026-03-02 12:00:00Z', '2026-03-02 12:21:00Z'), 0,
    'summing the whole window again finds the same'
);

insert into grid.reading (ts, meter_id, energy)
select '2026-03-02 12:07:00Z', meter_id, 1 from meter;
select is(
    grid.restate_window((select tenant_id from one), '2026-03-02 12:00:00Z', '2026-03-02 12:22:00Z'), 2,
    'summing it again restates it'
);
select is(grid.restate_late_windows('2026-03-02 12:22:00Z'), 0, 'and leaves nothing to be added twice');
insert into grid.reading (ts, meter_id, energy)
select '2026-03-02 12:08:00Z', meter_id, 1 from meter;
select is(grid.restate_late_windows('2026-03-02 12:23:00Z'), 1, 'where many are late, the window is summed again');
select results_eq(
    'select * from load order by region',
    $$ values
        ('north', 4, 38227::bigint, 83::bigint, 20),
        ('south', 3, 38047::bigint, 79::bigint, 20) $$,
    'with the same result'
);

-- as an earlier version logged it
insert into grid.reading (ts, meter_id, energy)
select '2026-03-02 12:09:00Z', meter_id, 5 from meter where code = 'A-4';
update grid.late_window set readings = null, energy = null where meter_id in (select meter_id from meter);
select grid.restate_late_windows('2026-03-02 12:24:00Z');
select results_eq(
    $$ select * from load where region = 'north' $$,
    $$ values ('north', 5, 38232::bigint, 84::bigint, 20) $$,
    'an entry that does not say how much came late has its window summed again'
);
select is_empty('select from grid.late_window join meter using (meter_id)', 'and leaves the log too');

select * from finish();
rollback;
