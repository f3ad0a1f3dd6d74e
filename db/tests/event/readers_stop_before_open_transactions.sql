begin;
select plan(16);
select tap.make_tenant('acme');
select tap.make_tenant('other');
delete from event.log;

-- Settled transactions 10, 11 and 12, whose ids were drawn out of order; and this one, which is open.
insert into event.log (xid, tenant_id, topic, payload)
select x.xid::text::xid8, tap.tenant(x.tenant), 'load.closed', jsonb_build_object('n', x.n)
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

select ok((select xid > '12' from event.position()), 'position: after everything that can be read');
select is((select xid <= pg_current_xact_id() from event.position()), true, 'and before everything that cannot yet');

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
select * from finish();
rollback;
