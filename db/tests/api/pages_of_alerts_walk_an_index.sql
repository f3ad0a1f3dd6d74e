-- Staff page through the alerts of their tenant: what a page costs must not grow with how many there are.
begin;
select plan(7);
select tap.make_tenant('acme');
select tap.make_tenant('other');
select alert.raise(tap.tenant('acme'), tap.meter('acme', 'M-1'), 'high', 'critical', at, 9, 5)
from generate_series('2026-01-01 00:00Z'::timestamptz, '2026-01-02 00:00Z', interval '2 hours') as at;
select alert.raise(tap.tenant('other'), tap.meter('other', 'M-1'), 'zero', 'info', '2026-01-03 00:00Z');

-- Tables this small are quicker to read through; what matters is that an index could be walked.
set local enable_seqscan = off;
set local enable_bitmapscan = off;
select tap.sign_in('acme', 'operator');

select matches(
    tap.plan_of('select * from api.alerts order by raised_at desc limit 5'),
    '^Limit\n  ->  Subquery Scan on .*Index Scan Backward using alert_tenant on alert staff',
    'the newest: an index holds them in order, and nothing is sorted after it'
);
select matches(
    tap.plan_of($$ select * from api.alerts where status <> 'resolved' order by raised_at desc limit 5 $$),
    '^Limit\n  ->  Subquery Scan on .*Index Scan Backward using alert_open_newest on alert staff',
    'the newest that are open: another has those alone'
);
prepare kept (integer) as select * from api.open_alerts order by raised_at desc limit $1;
set local plan_cache_mode = force_generic_plan;
select matches(
    tap.plan_of('execute kept (5)'),
    '^Limit\n  ->  Subquery Scan on .*Index Scan Backward using alert_open_newest on alert staff',
    'by a kept plan too, where the filter is the view''s'
);
set local plan_cache_mode = auto;
select matches(
    tap.plan_of($$ select * from api.alerts where meter_id = 'M-1' order by raised_at desc limit 5 $$),
    'Index Scan Backward using alert_meter_code on alert staff\n +Index Cond: .*meter_code = ',
    'those of one meter: by its name'
);
select results_eq(
    'select raised_at from api.alerts limit 2',
    $$ values ('2026-01-02 00:00Z'::timestamptz), ('2026-01-01 22:00Z') $$, 'without an order too'
);
select tap.sign_in('acme', 'alice');
select results_eq(
    'select raised_at from api.alerts limit 2',
    $$ values ('2026-01-02 00:00Z'::timestamptz), ('2026-01-01 22:00Z') $$, 'and for a consumer'
);

select tap.sign_out();
update grid.meter set code = 'M-1b' where meter_id = tap.meter('acme', 'M-1');
select tap.sign_in('acme', 'operator');
select is((select array_agg(distinct meter_id) from api.alerts), '{M-1b}', 'an alert bears the name its meter has');
select * from finish();
rollback;
