begin;
select plan(4);

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
create temporary table one as select tenant_id from grid.tenant where code = 'alpha';
prepare sealed as
select s.sealed_until
from grid.seal_windows('2026-03-02 12:00:00Z') as s
where s.tenant_id = (select tenant_id from one);

insert into ingest.batch (tenant_id, received_at, source, accepted, duplicates, rejected, first_ts, last_ts)
select
    tenant_id, '2026-03-02 11:59:30Z'::timestamptz, 'http', 1, 0, 0, '2026-03-01 08:03:00Z'::timestamptz,
    '2026-03-01 08:30:10Z'::timestamptz
from one;
select results_eq(
    'sealed', $$ values ('2026-03-01 08:15:00Z'::timestamptz) $$,
    'while readings of yesterday arrive, only windows they have passed by the grace period are over'
);
select is(
    (select closed_until from grid.window_progress where tenant_id = (select tenant_id from one)),
    '2026-03-01 08:00:00Z', 'closing begins with the first window that had a reading'
);

insert into ingest.batch (tenant_id, received_at, source, accepted, duplicates, rejected, first_ts, last_ts)
select
    tenant_id, '2026-03-02 11:59:40Z'::timestamptz, 'http', 1, 0, 0, '2026-03-01 08:20:00Z'::timestamptz,
    '2026-03-01 08:30:30Z'::timestamptz
from one;
select results_eq('sealed', $$ values ('2026-03-01 08:30:00Z'::timestamptz) $$, 'the next one follows as they go on');

update ingest.batch set received_at = '2026-03-02 11:57:00Z' where tenant_id = (select tenant_id from one);
select results_eq(
    'sealed', $$ values ('2026-03-02 11:45:00Z'::timestamptz) $$,
    'when nothing has arrived for a while, the clock alone decides'
);

select * from finish();
rollback;
