begin;
select plan(8);

insert into grid.tenant (code, name) values ('weeks', 'Weeks'), ('hours', 'Hours'), ('alive', 'Alive');
select grid.register_meters(tenant_id, '[{"meter_id": "A-1", "region": "north"}]')
from grid.tenant where code in ('weeks', 'hours', 'alive');
-- each has a reading in every one of the windows that are sealed
insert into grid.reading (ts, meter_id, energy)
select w, m.meter_id, 1
from (values ('weeks', interval '2 days'), ('hours', '3 hours'), ('alive', '15 minutes')) as v (code, behind)
join grid.tenant using (code)
join grid.meter as m using (tenant_id)
cross join
    generate_series(
        '2026-03-20 12:00Z'::timestamptz - v.behind, '2026-03-20 11:45Z', interval '15 minutes'
    ) as w;
insert into grid.window_progress (tenant_id, sealed_until, closed_until)
select m.tenant_id, '2026-03-20 12:00Z', min(r.ts)
from grid.reading as r join grid.meter as m using (meter_id) join grid.tenant as t using (tenant_id)
where t.code in ('weeks', 'hours', 'alive') group by m.tenant_id;
create temporary view closed as
select t.code, count(distinct l.window_start) as windows, min(l.window_start) as first
from grid.region_load as l join grid.tenant as t using (tenant_id)
where t.code in ('weeks', 'hours', 'alive') group by t.code;

select is(grid.close_sealed_windows('2026-03-20 12:02Z', 2), 2, 'a round closes as many as it may');
select results_eq(
    'select * from closed order by code',
    $$ values
        ('alive', 1::bigint, '2026-03-20 11:45Z'::timestamptz),
        ('hours', 1, '2026-03-20 09:00Z') $$,
    'those of the tenant that is least behind first; and of a tenant its oldest'
);
select is(grid.close_sealed_windows('2026-03-20 12:02Z', 1000, '-1 second'), 0, 'none begins after its time');
select is(grid.close_sealed_windows('2026-03-20 12:02Z', 14), 14, 'another round');
select results_eq(
    'select code, windows from closed order by code',
    $$ values ('alive', 1::bigint), ('hours', 12), ('weeks', 3) $$, 'goes on where the others are'
);

-- by the clock
select grid.close_sealed_windows(max_windows => 1);
select cmp_ok(
    (
        select max(closed_at) from grid.region_load join grid.tenant using (tenant_id) where code = 'weeks'
    ), '>', now(),
    'without a time given, a window bears the time at which it was closed, not that at which the run began'
);

-- late for windows long past, and for the newest
select grid.close_sealed_windows('2026-03-20 12:02Z');
insert into grid.reading (ts, meter_id, energy)
select w + interval '1 minute', m.meter_id, 1
from (values ('weeks', interval '20 hours'), ('alive', '15 minutes')) as v (code, behind)
join grid.tenant using (code)
join grid.meter as m using (tenant_id)
cross join
    generate_series(
        '2026-03-20 12:00Z'::timestamptz - v.behind, '2026-03-20 11:45Z', interval '15 minutes'
    ) as w;
select is(grid.restate_late_windows('2026-03-20 12:02Z', 4), 4, 'a round restates as many as it may');
select results_eq(
    $$ select t.code, l.window_start from grid.region_load as l join grid.tenant as t using (tenant_id)
       where t.code in ('weeks', 'alive') and l.revision = 2 order by l.window_start, t.code $$,
    $$ values
        ('weeks', '2026-03-19 16:00Z'::timestamptz), ('weeks', '2026-03-19 16:15Z'),
        ('alive', '2026-03-20 11:45Z'), ('weeks', '2026-03-20 11:45Z') $$,
    'the newest and the oldest in turn'
);

select * from finish();
rollback;
