begin;
select plan(10);

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
create temporary table one as select tenant_id from grid.tenant where code = 'alpha';
create function pg_temp.receive(received_at timestamptz, first_ts timestamptz, last_ts timestamptz) returns void
language sql
begin atomic
    insert into ingest.batch (tenant_id, received_at, source, accepted, duplicates, rejected, first_ts, last_ts)
    select o.tenant_id, receive.received_at, 'http', 1, 0, 0, receive.first_ts, receive.last_ts
    from one as o;
end;
create function pg_temp.sealed(at timestamptz) returns timestamptz
language sql
begin atomic
    select s.sealed_until from grid.seal_windows(sealed.at) as s where s.tenant_id = (select o.tenant_id from one as o);
end;

select pg_temp.receive('2026-03-02 11:59:30Z', '2026-03-01 08:03:00Z', '2026-03-01 08:31:00Z');
select is(
    pg_temp.sealed('2026-03-02 12:00:00Z'), '2026-03-01 08:15:00Z',
    'while readings of yesterday arrive, only windows they have passed by the grace period are over'
);
select is(
    (select closed_until from grid.window_progress where tenant_id = (select tenant_id from one)),
    '2026-03-01 08:00:00Z', 'closing begins with the first window that had a reading'
);
select pg_temp.receive('2026-03-02 11:59:40Z', '2026-03-01 08:20:00Z', '2026-03-01 08:31:30Z');
select is(pg_temp.sealed('2026-03-02 12:00:00Z'), '2026-03-01 08:30:00Z', 'the next one follows as they go on');

select pg_temp.receive('2026-03-02 12:03:00Z', '2026-03-01 08:20:00Z', '2026-03-02 11:50:00Z');
select is(
    pg_temp.sealed('2026-03-02 12:03:00Z'), '2026-03-02 11:45:00Z',
    'readings that overtake the clock are a back-fill still, near to now as they may be'
);
select pg_temp.receive('2026-03-02 12:04:00Z', '2026-03-01 08:20:00Z', '2026-03-01 08:40:00Z');
select is(pg_temp.sealed('2026-03-02 12:04:50Z'), null, 'a late reading among them does not change that');

select pg_temp.receive('2026-03-02 12:06:00Z', '2026-03-02 11:50:00Z', '2026-03-02 11:50:00Z');
select is(
    pg_temp.sealed('2026-03-02 12:06:00Z'), '2026-03-02 12:00:00Z',
    'once they keep to the clock, the clock decides, however long the meters'' own interval'
);
select is(pg_temp.sealed('2026-03-02 12:16:29Z'), null, 'with the grace period');
select is(pg_temp.sealed('2026-03-02 12:16:30Z'), '2026-03-02 12:15:00Z', 'and not a second more');

select pg_temp.receive('2026-03-02 15:00:00Z', '2026-03-02 12:15:00Z', '2026-03-02 12:50:00Z');
select is(
    pg_temp.sealed('2026-03-02 15:00:10Z'), '2026-03-02 12:45:00Z',
    'after an outage the windows wait again for what the gateways have kept'
);
select is(
    pg_temp.sealed('2026-03-02 15:02:10Z'), '2026-03-02 15:00:00Z',
    'but not longer than anything arrives at all'
);

select * from finish();
rollback;
