begin;
select plan(12);

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
create temporary table one as select tenant_id from grid.tenant where code = 'alpha';
select grid.register_meters((select tenant_id from one), (
    select jsonb_agg(jsonb_build_object('meter_id', 'A-' || n, 'region', 'north', 'installed_at', '2020-01-01Z'))
    from generate_series(1, 100) as n
));
create function pg_temp.send(code text, ts timestamptz) returns void
language sql
begin atomic
    insert into grid.reading (ts, meter_id, energy)
    select send.ts, m.meter_id, 1000 from grid.meter as m
    where m.code = send.code and m.tenant_id = (select o.tenant_id from one as o);
end;
create function pg_temp.close(at timestamptz) returns bigint
language sql
begin atomic
    select count(*) from grid.seal_windows(close.at);
    select grid.close_sealed_windows(close.at, 10000);
    select grid.restate_late_windows(close.at, 10000);
    select count(distinct l.window_start) from grid.region_load as l
    where l.tenant_id = (select o.tenant_id from one as o);
end;
create temporary view alerts as
select m.code, a.kind, a.raised_at, a.occurrences
from alert.alert as a join grid.meter as m using (meter_id) where a.tenant_id = (select tenant_id from one);

select pg_temp.send('A-1', '2026-02-01 00:01:00Z');
select is(
    pg_temp.close('2026-03-07 00:02:00Z'), 97::bigint, 'one old reading: its window is closed, and those of a day'
);
select set_eq('select distinct code from alerts', $$ values ('A-1') $$, 'none of the 99 others is missed');
select cmp_ok((select count(*) from alerts), '<=', 24::bigint, 'nor is that one for weeks that nobody looked at');
select cmp_ok(
    (select count(*) from event.log where tenant_id = (select tenant_id from one)), '<', 1100::bigint,
    'and a day is told'
);
select is_empty(
    $$ select from grid.window_progress
       where tenant_id = (select tenant_id from one) and closed_until <> '2026-03-07 00:00:00Z' $$,
    'all windows are done'
);

-- live from here on
select pg_temp.send('A-2', '2026-03-07 00:05:00Z'), pg_temp.send('A-1', '2026-03-07 00:05:00Z');
select pg_temp.close('2026-03-07 00:17:00Z');
select pg_temp.send('A-1', '2026-03-07 00:20:00Z');
select pg_temp.close('2026-03-07 00:32:00Z');
select results_eq(
    $$ select code, kind, raised_at from alerts where raised_at > '2026-03-07 00:15:00Z' $$,
    $$ values ('A-2', 'silent', '2026-03-07 00:30:00Z'::timestamptz) $$,
    'a meter that has begun is missed in the next window'
);
select is(
    (select begins_at from grid.meter where code = 'A-2' and tenant_id = (select tenant_id from one)),
    '2026-03-07 00:00:00Z'::timestamptz, 'a meter begins with the window of its first reading'
);
select pg_temp.send('A-2', '2026-02-20 12:00:00Z');
select is(
    pg_temp.close('2026-03-07 00:32:00Z'), 100::bigint, 'a window passed over gets its load when a reading comes'
);
select results_eq(
    $$ select l.revision, l.energy from grid.region_load as l join grid.region as r using (region_id)
       where l.tenant_id = (select tenant_id from one) and l.window_start = '2026-02-20 12:00:00Z'
         and r.code = 'north' $$,
    $$ values (2, 1000::bigint) $$, 'as a late one'
);
select is(
    (select begins_at from grid.meter where code = 'A-2' and tenant_id = (select tenant_id from one)),
    '2026-02-20 12:00:00Z'::timestamptz, 'and the meter has begun earlier'
);

-- one whose first reading comes late
select pg_temp.send('A-3', '2026-03-07 00:21:00Z');
select pg_temp.send('A-1', '2026-03-07 00:40:00Z'), pg_temp.send('A-2', '2026-03-07 00:40:00Z');
select pg_temp.close('2026-03-07 00:34:00Z');
select is_empty($$ select from alerts where code = 'A-3' $$, 'a first reading that is late raises nothing');
select pg_temp.close('2026-03-07 00:47:00Z');
select results_eq(
    $$ select kind, raised_at from alerts where code = 'A-3' $$,
    $$ values ('silent', '2026-03-07 00:45:00Z'::timestamptz) $$, 'but its meter has begun'
);

select * from finish();
rollback;
