-- The views filter by ownership themselves; meter and time must still reach the index of each chunk.
begin;
select plan(12);
select tap.make_tenant('acme');
select tap.read('acme', code, at, 1)
from
    unnest(array['M-1', 'M-2', 'M-3']) as code,
    generate_series('2026-01-01 00:00Z'::timestamptz, '2026-01-03 00:00Z', interval '10 minutes') as at;

create function pg_temp.day_of(view_name text, time_column text) returns text
language sql
as $$
    select tap.plan_of(format(
        'select * from api.%1$s where meter_id = %3$L and %2$I >= %4$L and %2$I < %5$L order by %2$I limit 100',
        view_name, time_column, 'M-1', '2026-01-02 00:00Z', '2026-01-03 00:00Z'
    ))
$$;
-- Tables this small are quicker to read through; what matters is that an index could be used.
set local enable_seqscan = off;
select tap.sign_in('acme', 'alice');

select
    matches(
        pg_temp.day_of('readings', 'timestamp'), 'Index Cond: .*meter_id.* = .*ts >= ', 'raw readings: meter and time'
    )
union all
select doesnt_match(pg_temp.day_of('readings', 'timestamp'), 'Seq Scan on _hyper', 'no chunk is read through');
select matches(pg_temp.day_of(v, 'bucket'), 'Index Cond: .*meter_id.* = ', v || ': the meter')
from unnest(array['readings_1m', 'readings_15m', 'readings_1h']) as v;
select
    matches(
        tap.plan_of(format('select * from api.%I where meter_id = %L', v, 'M-1')),
        'Index Cond: .*meter_id.* = ', v || ': the meter'
    )
from unnest(array['readings_daily', 'readings_monthly']) as v;
select
    doesnt_match(
        tap.plan_of(format('select * from api.%I where meter_id = %L', v, 'M-1')), 'Seq Scan on _hyper',
        v || ': no chunk is read through'
    )
from unnest(array['readings_daily', 'readings_monthly']) as v;
select matches(
    tap.plan_of('select * from api.latest_readings'),
    'Index Cond: .*meter_id.* = ',
    'latest readings: one look a meter'
);
select
    doesnt_match(
        tap.plan_of('select * from api.latest_readings'), 'Seq Scan on _hyper', 'no chunk is read through'
    );
select tap.sign_in('acme', 'operator');
select matches(
    pg_temp.day_of('readings_15m', 'bucket'), 'Index Cond: .*meter_id.* = ', 'an operator''s filter reaches it too'
);
select * from finish();
rollback;
