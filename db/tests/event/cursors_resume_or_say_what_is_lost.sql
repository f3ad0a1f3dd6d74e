begin;
select plan(21);
select tap.make_tenant('acme');
delete from event.log;
update event.state set epoch = 1;
select is(event.cursor('12345', 678), 'MS4xMjM0NS42Nzg', 'a cursor is base64url of epoch.xid.id, without padding');
select is(event.parse_cursor(event.cursor('18446744073709551', 9)), '{1,18446744073709551,9}', 'and reads back');
select is(event.parse_cursor('MS4xMjM0NS42Nzg='), '{1,12345,678}', 'padding does no harm');
select is(event.parse_cursor(wrong), null, format('%L is no cursor', wrong))
from unnest(array['', '!', 'AAAA', 'MS4x', '____', repeat('MS4x', 30)]) as wrong;

insert into event.log (xid, tenant_id, topic, region_id, meter_id, happened, payload)
select
    (10 + n)::text::xid8,
    tap.tenant('acme'),
    e.topic,
    tap.region('acme', e.region),
    tap.meter('acme', e.meter),
    tstzrange(e.begins, e.begins + interval '15 minutes'),
    jsonb_build_object('region', e.region, 'meter_id', e.meter)
from (
    values
    (1, 'load.closed', 'north', null, '2026-01-01 10:00Z'::timestamptz),
    (2, 'price.published', 'north', null, '2026-01-01 10:15Z'),
    (3, 'price.published', 'south', null, '2026-01-01 10:15Z'),
    (4, 'alert.raised', 'north', 'M-1', '2026-01-01 10:00Z'),
    (5, 'alert.raised', 'north', 'M-1', '2019-01-01 10:00Z'),
    (6, 'alert.raised', 'south', 'M-2', '2026-01-01 10:00Z')
) as e (n, topic, region, meter, begins);
create temp table cursors as select (xid::text::int - 10) as n, event.cursor(xid, id) as cursor from event.log;
grant select on cursors to public;
create function pg_temp.cursor_of(wanted integer) returns text
language sql
as $$
    select cursor from cursors where n = wanted
$$;

select tap.sign_in('acme', 'operator');
select is((select count(*) from api.events), 6::bigint, 'an operator sees the tenant''s events');
select is(
    (select array_agg(cursor) from api.events), (select array_agg(cursor order by n) from cursors), 'oldest first'
);
select is((select count(*) from api.events_after(pg_temp.cursor_of(2))), 4::bigint, 'after a cursor');
select is((select count(*) from api.events_after(pg_temp.cursor_of(2), 3)), 3::bigint, 'at most so many');
select is((select count(*) from api.events_after()), 6::bigint, 'without one, from the oldest');
select throws_ok(
    $$ select api.events_after('MS4xNy4x') $$, 'PT410', 'The cursor is ahead of the event log',
    'one ahead of the log is of a time that is gone'
);
select throws_ok($$ select api.events_after('nonsense') $$, 'PT400', 'That is not a cursor', 'nonsense is refused');
select tap.sign_in('acme', 'alice');
select is(
    (select string_agg(topic || coalesce(' ' || meter_id, ' ' || region), ', ') from api.events),
    'price.published north, alert.raised M-1',
    'a consumer: prices of their regions, alerts of their meters in their time'
);
select is((select count(*) from api.events_after(pg_temp.cursor_of(2))), 1::bigint, 'also after a cursor');

select tap.sign_out();
update event.state set pruned_xid = '13', pruned_id = (select id from event.log where xid = '13');
select tap.sign_in('acme', 'operator');
select throws_ok(
    $$ select api.events_after(pg_temp.cursor_of(2)) $$,
    'PT410',
    'Events after this cursor are no longer kept',
    'a gap is said'
);
select is((select count(*) from api.events_after(pg_temp.cursor_of(3))), 3::bigint, 'none after the last pruned event');
select tap.sign_out();
update event.state set epoch = epoch + 1;
select tap.sign_in('acme', 'operator');
select throws_ok(
    $$ select api.events_after(pg_temp.cursor_of(5)) $$, 'PT410', null, 'a cursor of before a restore is a gap too'
);
select * from finish();
rollback;
