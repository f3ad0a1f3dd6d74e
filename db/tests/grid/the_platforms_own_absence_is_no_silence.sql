begin;
select plan(22);

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
create temporary table one as select tenant_id from grid.tenant where code = 'alpha';
select grid.register_meters((select tenant_id from one), (
    select jsonb_agg(jsonb_build_object('meter_id', 'A-' || n, 'region', 'north', 'installed_at', '2026-01-01Z'))
    from generate_series(1, 20) as n
));
-- What meters send in some minutes, each a reading of 1 kWh, and when it comes.
create function pg_temp.send(since timestamptz, until timestamptz, at timestamptz, but text[] default '{}')
returns void
language sql
begin atomic
    insert into grid.reading (ts, meter_id, energy)
    select s.ts, m.meter_id, 1000000
    from grid.meter as m
    cross join generate_series(send.since, send.until - interval '1 minute', interval '1 minute') as s (ts)
    where m.tenant_id = (select o.tenant_id from one as o) and array_position(send.but, m.code) is null;
    insert into ingest.batch (tenant_id, received_at, source, accepted, duplicates, rejected, first_ts, last_ts)
    select o.tenant_id, send.at, 'http', 1, 0, 0, send.since, send.until - interval '1 minute'
    from one as o;
end;
create function pg_temp.close(at timestamptz) returns timestamptz
language sql
begin atomic
    select count(*) from grid.seal_windows(close.at);
    select grid.close_sealed_windows(close.at);
    select grid.restate_late_windows(close.at);
    select p.closed_until from grid.window_progress as p where p.tenant_id = (select o.tenant_id from one as o);
end;
create temporary view load as
select l.window_start, l.revision, l.energy / 1000000 as kwh
from grid.region_load as l join grid.region as r using (region_id)
where l.tenant_id = (select tenant_id from one) and r.code = 'north';

select ingest.beat('http', '2026-03-02 10:00Z'), ingest.beat('queue', '2026-03-02 10:00Z');
select pg_temp.send('2026-03-02 09:45Z', '2026-03-02 10:20Z', '2026-03-02 10:20Z');
select ingest.beat('http', '2026-03-02 10:01Z'), ingest.beat('queue', '2026-03-02 10:01Z');
select is_empty('select from ingest.absence', 'who is seen every minute is not away');
select ingest.beat('http', '2026-03-02 10:01:30Z');
update ingest.presence set seen_at = '2026-03-02 10:20:00Z';
select is(pg_temp.close('2026-03-02 10:20:30Z'), '2026-03-02 10:15Z', 'what was due before closes');

-- everything is stopped for 110 minutes; the closing starts first
select ingest.beat('queue', '2026-03-02 12:10:00Z');
select is(
    pg_temp.close('2026-03-02 12:10:01Z'), '2026-03-02 10:15Z', 'nothing closes before readings can be received again'
);
select ingest.beat('http', '2026-03-02 12:10:05Z');
select results_eq(
    $$ select door, period from ingest.absence order by door $$,
    $$ values ('http', tstzrange('2026-03-02 10:20Z', '2026-03-02 12:10:05Z')),
              ('queue', tstzrange('2026-03-02 10:20Z', '2026-03-02 12:10Z')) $$,
    'each door knows from when to when it was away'
);
select is(pg_temp.close('2026-03-02 12:10:10Z'), '2026-03-02 10:15Z', 'nor before their backlog came');
insert into ingest.batch (tenant_id, received_at, source, accepted, duplicates, rejected, first_ts, last_ts)
select tenant_id, '2026-03-02 12:10:30Z', 'replay', 1, 0, 0, '2026-03-02 10:00Z', '2026-03-02 10:00Z' from one;
select is(pg_temp.close('2026-03-02 12:10:40Z'), '2026-03-02 10:15Z', 'an operator who replays is no door of theirs');
-- A-20 forgot what it could not send
select pg_temp.send('2026-03-02 10:20Z', '2026-03-02 12:10Z', '2026-03-02 12:11Z', '{A-20}');
select is(pg_temp.close('2026-03-02 12:14:00Z'), '2026-03-02 10:15Z', 'which comes for a while');
select pg_temp.send('2026-03-02 12:10Z', '2026-03-02 12:15Z', '2026-03-02 12:15Z', '{A-20}');
update ingest.presence set seen_at = now();
select is(pg_temp.close('2026-03-02 12:16:00Z'), '2026-03-02 12:00Z', 'then all of it closes');
select is_empty('select from load where revision > 1', 'with loads that need no restating');
select results_eq(
    $$ select kwh from load
       where window_start in ('2026-03-02 10:00Z', '2026-03-02 11:00Z') order by window_start $$,
    $$ values (300::bigint), (285) $$, 'of what was sent'
);
select is_empty(
    $$ select from alert.alert where tenant_id = (select tenant_id from one) $$, 'and nobody was silent'
);
select pg_temp.send('2026-03-02 12:15Z', '2026-03-02 12:30Z', '2026-03-02 12:30Z', '{A-20}');
select pg_temp.send('2026-03-02 12:30Z', '2026-03-02 12:47Z', '2026-03-02 12:47Z', '{A-20}');
select is(pg_temp.close('2026-03-02 12:47:00Z'), '2026-03-02 12:45Z', 'then it is as ever');
select results_eq(
    $$ select m.code, a.kind, a.raised_at from alert.alert as a join grid.meter as m using (meter_id)
       where a.tenant_id = (select tenant_id from one) $$,
    $$ values ('A-20', 'silent', '2026-03-02 12:30Z'::timestamptz) $$, 'and who does not come back is missed'
);

-- HTTP alone is away, and the jobs go on
update ingest.presence set seen_at = '2026-03-02 13:00Z' where door = 'http';
select is(pg_temp.close('2026-03-02 13:00:30Z'), '2026-03-02 12:45Z', 'live, what is due closes');
select pg_temp.send('2026-03-02 12:47Z', '2026-03-02 13:00Z', '2026-03-02 12:59Z', '{A-20}');
select is(
    pg_temp.close('2026-03-02 14:00:00Z'), '2026-03-02 12:45Z', 'while nothing can be received, what is due waits'
);
select is(
    pg_temp.close('2026-03-03 13:00:01Z'), '2026-03-03 12:45Z', 'but no longer than a day: it may never come'
);
select is_empty(
    $$ select from alert.alert where tenant_id = (select tenant_id from one) and raised_at > '2026-03-02 13:00Z' $$,
    'silent was nobody'
);

-- a backlog that goes on and on
update ingest.presence set seen_at = '2026-03-03 13:00Z' where door = 'http';
select ingest.beat('http', '2026-03-03 14:00Z');
update ingest.presence set seen_at = now();
select pg_temp.send('2026-03-03 13:00Z', '2026-03-03 13:05Z', '2026-03-03 14:09:00Z');
select is(pg_temp.close('2026-03-03 14:10:00Z'), '2026-03-03 12:45Z', 'while the backlog comes, it is waited for');
select pg_temp.send('2026-03-03 13:05Z', '2026-03-03 13:15Z', '2026-03-03 14:59:30Z');
select is(pg_temp.close('2026-03-03 14:59:59Z'), '2026-03-03 12:45Z', 'also longer');
select pg_temp.send('2026-03-03 13:15Z', '2026-03-03 13:30Z', '2026-03-03 15:00:30Z');
select cmp_ok(pg_temp.close('2026-03-03 15:03:00Z'), '>', '2026-03-03 12:45Z'::timestamptz, 'but not for ever');

-- the clock steps forward by an hour, and back
select ingest.beat('queue', '2026-03-04 10:00Z'), ingest.beat('queue', '2026-03-04 11:00:05Z');
select ingest.beat('queue', '2026-03-04 10:00:10Z');
select is_empty(
    $$ select from ingest.absence where upper(period) > '2026-03-04 10:00:10Z' $$, 'of times to come nothing is known'
);
select ingest.beat('queue', '2026-03-04 10:00:15Z');
select is(
    (select seen_at from ingest.presence where door = 'queue'), '2026-03-04 10:00:15Z'::timestamptz, 'and it goes on'
);

select * from finish();
rollback;
