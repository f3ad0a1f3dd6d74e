-- What callers are told about a day is the same whether it is stored or summed from its buckets.
begin;
select plan(33);
select tap.make_tenant('acme');
select tap.make_tenant('other');
update grid.tenant set time_zone = 'Europe/Berlin', created_at = '2026-03-01Z' where code = 'acme';
update grid.tenant set created_at = '2026-03-01Z' where code = 'other';
-- M-3: alice's until midnight, bob's to the middle of a day, hers again for some hours and at last; M-4: bob's, for two
-- hours of one day.
select tap.own('acme', 'M-3', owner, period)
from (
    values
    ('alice', tstzrange('2026-03-01 00:00Z', '2026-03-27 23:00Z')),
    ('bob', tstzrange('2026-03-27 23:00Z', '2026-03-30 10:07Z')),
    ('alice', tstzrange('2026-03-30 12:20Z', '2026-03-30 17:00Z')),
    ('alice', tstzrange('2026-03-31 09:00Z', null))
) as o (owner, period);
select tap.own('acme', 'M-4', 'bob', '[2026-03-29 10:00Z, 2026-03-29 12:00Z)');

-- Every ten minutes from the evening of the 25th to the evening of April 1st; the clocks go forward on the 29th.
insert into grid.reading (ts, meter_id, energy)
select at, tap.meter('acme', m.code), (extract(epoch from at)::bigint / 600 * 7919 + m.number) % 1000 * 1000 - 100000
from (values ('M-1', 1), ('M-3', 3), ('M-4', 4)) as m (code, number),
    generate_series('2026-03-25 19:10Z'::timestamptz, '2026-04-01 20:00Z', interval '10 minutes') as at;
select tap.read('other', 'M-1', '2026-03-28 12:00Z', 7);

create function pg_temp.told(code text, name text) returns setof api.readings_daily
language plpgsql
as $$
begin
    perform tap.sign_in(code, name);
    return query select * from api.readings_daily;
    perform tap.sign_out();
end;
$$;
create function pg_temp.plain(zone text) returns table (
    meter_id text, day date, readings bigint, energy_kwh numeric, peak_kwh numeric, first_bucket timestamptz,
    last_bucket timestamptz
)
language sql
as $$
    select
        m.code, (w.bucket at time zone zone)::date, sum(w.readings)::bigint, trim_scale(sum(w.energy) * 0.000001),
        trim_scale(max(w.energy) * 0.000001), min(w.bucket), max(w.bucket)
    from (
        select r.meter_id, grid.window_start(r.ts) as bucket, count(*) as readings, sum(r.energy) as energy
        from grid.reading as r group by 1, 2
    ) as w
    join grid.meter as m using (meter_id)
    where m.tenant_id = tap.tenant('acme')
    group by 1, 2
$$;
create function pg_temp.is_plain(zone text) returns bigint
language sql
as $$
    with told as (
        select meter_id, day, readings, energy_kwh, peak_kwh, first_bucket, last_bucket
        from pg_temp.told('acme', 'operator')
    )

    select count(*)
    from ((table told except all select * from pg_temp.plain(zone))
        union all (select * from pg_temp.plain(zone) except all table told)) as difference
$$;
create temp table before_storing as
select p.name, d.* from unnest(array['alice', 'bob', 'operator']) as p (name), pg_temp.told('acme', p.name) as d;

select is(pg_temp.is_plain('Europe/Berlin'), 0::bigint, 'nothing stored: days are summed from their buckets');
select is(rollup.begin_days(), false, 'no windows are sealed: there is nothing to store');
insert into grid.window_progress (tenant_id, sealed_until, closed_until)
values
(tap.tenant('acme'), '2026-03-31 21:59Z', '2026-03-31 21:45Z'), (tap.tenant('other'), '2026-03-29Z', '2026-03-29Z');
select ok(rollup.begin_days(), 'once they are, days begin');
select is(rollup.begin_days(), false, 'once');
select is_empty('select from rollup.day_progress where stored_until > stored_from', 'none is stored yet');
select is(pg_temp.is_plain('Europe/Berlin'), 0::bigint, 'which changes nothing');

create function pg_temp.store() returns bigint
language plpgsql
as $$
begin
    while rollup.store_days() loop end loop;
    return (
        select count(*) from rollup.store_day as d join grid.meter as m using (meter_id)
        where m.tenant_id = tap.tenant('acme')
    );
end;
$$;
select is(pg_temp.store(), 18::bigint, 'six days of three meters are stored, the seventh is not over for a minute');
select is(
    (select p.stored_until from rollup.day_progress as p where p.tenant_id = tap.tenant('acme')), '2026-03-31'::date,
    'up to where the windows are sealed'
);
select is(
    (select p.stored_until from rollup.day_progress as p where p.tenant_id = tap.tenant('other')), '2026-03-29'::date,
    'by tenant'
);
select results_eq(
    $$ select d.readings from rollup.store_day as d
       where d.meter_id = tap.meter('acme', 'M-1') and d.day = '2026-03-29' $$,
    $$ values (138::bigint) $$, 'a day of 23 hours'
);
select set_eq(
    $$ select p.name, d.*
       from unnest(array['alice', 'bob', 'operator']) as p (name), pg_temp.told('acme', p.name) as d $$,
    'table before_storing', 'everybody is told what they were told before'
);
select is(pg_temp.is_plain('Europe/Berlin'), 0::bigint, 'and that is right');

-- From where it comes.
update rollup.store_day as d set readings = 0 + d.readings + 1000 where d.meter_id = tap.meter('acme', 'M-3');
select results_eq(
    $$ select d.day, d.readings > 1000 from pg_temp.told('acme', 'alice') as d where meter_id = 'M-3' order by 1 $$,
    $$ values ('2026-03-25'::date, true), ('2026-03-26', true), ('2026-03-27', true), ('2026-03-30', false),
        ('2026-03-31', false), ('2026-04-01', false) $$,
    'whole days from the store; days of a handover, and those that are not over, from their buckets'
);
select results_eq(
    $$ select d.day, d.readings > 1000 from pg_temp.told('acme', 'bob') as d where meter_id = 'M-3' order by 1 $$,
    $$ values ('2026-03-28'::date, false), ('2026-03-29', true), ('2026-03-30', false) $$,
    'for anyone who came after too'
);
select is(
    (select array_agg(d.readings) from pg_temp.told('acme', 'bob') as d where meter_id = 'M-4'), '{12}',
    'a meter of two hours has one day of two hours'
);
update rollup.store_day as d set readings = d.readings - 1000 where d.meter_id = tap.meter('acme', 'M-3');

-- Late readings.
select is_empty('table rollup.late_day', 'what came before is not late');
select tap.read('acme', 'M-1', '2026-03-31 10:05Z', 1);
select is_empty('table rollup.late_day', 'a reading of a day that is not over will be in it');
select tap.read('acme', 'M-1', '2026-03-27 10:05Z', 50);
select tap.read('acme', 'M-2', '2026-03-26 10:05Z', 3);
select tap.read('acme', 'M-1', '2026-02-27 10:05Z', 2);
select is((select count(*) from rollup.late_day), 3::bigint, 'late readings are logged');
select is(rollup.restate_days(), 3, 'and their days summed again');
select is(rollup.restate_days(), 0, 'once');
select is(
    pg_temp.is_plain('Europe/Berlin'), 0::bigint,
    'a day that had readings, one that had none, one before all that is stored'
);
select results_eq(
    $$ select d.energy_peak > 50000000 from rollup.store_day as d
       where d.meter_id = tap.meter('acme', 'M-1') and d.day = '2026-03-27' $$,
    'values (true)', 'the peak too'
);
update grid.tenant set time_zone = 'Europe/Berlin' where code = 'other';
select tap.read('other', 'M-1', '2026-03-28 23:30Z', 1);
update grid.tenant set time_zone = 'UTC' where code = 'other';
select is(rollup.restate_days(), 1, 'one that came while days were counted otherwise for a moment is in its day too');
insert into rollup.late_day (meter_id, window_start) values (tap.meter('acme', 'M-1'), '2026-03-31 10:00Z');
select is(rollup.restate_days(), 0, 'what came for a day that is not stored waits until it is');

-- Another time zone.
update grid.tenant set time_zone = 'Asia/Kathmandu' where code = 'acme';
select is(pg_temp.is_plain('Asia/Kathmandu'), 0::bigint, 'days are the new zone''s at once');
select is(rollup.begin_days(), false, 'what is there is not begun again');
select ok(rollup.forget_days(), 'but forgotten');
select is(rollup.forget_days(), false, 'once');
select is_empty(
    $$ select from rollup.store_day as d join grid.meter as m using (meter_id)
       where m.tenant_id = tap.tenant('acme') $$,
    'all of the old zone'
);
select is(pg_temp.is_plain('Asia/Kathmandu'), 0::bigint, 'which changes nothing');
select ok(rollup.begin_days(), 'and begun again');
select ok(pg_temp.store() > 18, 'they are stored');
select is(pg_temp.is_plain('Asia/Kathmandu'), 0::bigint, 'right');
select * from finish();
rollback;
