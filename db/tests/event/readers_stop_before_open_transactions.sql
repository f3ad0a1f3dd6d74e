begin;
select plan(19);
select tap.make_tenant('acme');
select tap.make_tenant('other');
delete from event.log;

-- Settled transactions 10, 11 and 12, whose ids were drawn out of order; and this one, which is open.
insert into event.log (xid, tenant_id, topic, happened, payload)
select
    x.xid::text::xid8, tap.tenant(x.tenant), 'load.closed', tstzrange(now(), now(), '[]'),
    jsonb_build_object('n', x.n)
from (
    values (1, 12, 'acme'), (2, 10, 'acme'), (3, 11, 'other'), (4, 10, 'acme'), (5, 11, 'acme')
) as x (n, xid, tenant);
select event.emit(tap.tenant('acme'), 'load.closed', null, null, '{"n": 6}');

create function pg_temp.read(after_xid bigint, after_id bigint, top integer default 1000, tenant integer default null)
returns text
language sql
as $$
    select string_agg(payload ->> 'n', ',') from event.read_after(after_xid::text::xid8, after_id, top, tenant)
$$;
create function pg_temp.id(n integer) returns bigint
language sql
as $$
    select id from event.log where payload ->> 'n' = n::text
$$;
select is(pg_temp.read(0, 0), '2,4,3,5,1', 'by transaction, then by id; nothing of a transaction still open');
select is(pg_temp.read(0, 0, 2), '2,4', 'at most so many');
select is(pg_temp.read(10, pg_temp.id(4)), '3,5,1', 'after a position');
select is(pg_temp.read(10, pg_temp.id(2)), '4,3,5,1', 'also inside a transaction');
select is(pg_temp.read(0, 0, 1000, tap.tenant('other')), '3', 'of one tenant');
select is(pg_temp.read(12, pg_temp.id(1)), null, 'to the end');
select is((select waiting from event.waiting('12', pg_temp.id(1))), true, 'where one waits for its transaction');
select is((select waiting from event.waiting(pg_current_xact_id(), pg_temp.id(6))), false, 'and none after it');

select results_eq(
    $$ select xid, id from event.position() $$, $$ values ('12'::xid8, pg_temp.id(1)) $$,
    'position: the last event that can be read, no id that is only free by now'
);

create temp table settled as select payload ->> 'n' as n, id from event.log;
create function pg_temp.settled_id(wanted integer) returns bigint
language sql
as $$
    select id from settled where n = wanted::text
$$;
select is(event.prune(clock_timestamp() - interval '1 hour'), 0, 'nothing is old enough to prune');
update event.log set at = now() - interval '8 days' where payload ->> 'n' in ('2', '4', '5', '1', '6');
select is(event.prune(now() - interval '7 days'), 2, 'prune: in reading order, up to the first event still wanted');
select results_eq(
    $$ select h.xid, h.id from event.horizon() as h $$, $$ values ('10'::xid8, pg_temp.settled_id(4)) $$,
    'the horizon moves with it'
);
update event.log set at = now() - interval '8 days';
select is(event.prune(now() - interval '7 days', 1), 1, 'so many at a time');
select is(event.prune(now() - interval '7 days'), 2, 'then the rest');
select is((select count(*) from event.log), 1::bigint, 'but never an open transaction''s');
select results_eq(
    $$ select p.epoch, p.xid, p.id from event.position() as p $$,
    $$ select h.epoch, h.xid, h.id from event.horizon() as h $$,
    'position, with nothing to read: the last that was pruned'
);

-- A restore from a cluster that had counted further, twice.
insert into event.log (xid, tenant_id, topic, happened, payload)
values ('9999999999', tap.tenant('acme'), 'load.closed', tstzrange(now(), now(), '[]'), '{}');
update event.state set epoch = 1, cluster = 'another', pruned_xid = '9999999998';
create temp table begun as select event.begin_epoch() as epoch;
select event.emit(tap.tenant('acme'), 'load.closed', null, null, '{"n": 7}');
select results_eq(
    $$ select s.epoch > 1000, s.pruned_xid, s.pruned_id, s.cluster from event.state as s $$,
    $$ values (true, '0'::xid8, 0::bigint, event.cluster()) $$,
    'an epoch begins at nothing, as this cluster''s, and not as the next number'
);
select is(
    (select array_agg(payload ->> 'n') from event.log), '{7}', 'without the events of the other count, with new ones'
);
select cmp_ok(event.begin_epoch(), '>', (select epoch from begun), 'and each is another, in the same second too');
select * from finish();
rollback;
