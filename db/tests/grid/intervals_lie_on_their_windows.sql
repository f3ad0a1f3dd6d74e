begin;
select plan(37);

create function pg_temp.tenant(code text, seconds integer) returns integer
language plpgsql
as $$
begin
    insert into grid.tenant (code, name, reading_interval)
    values (tenant.code, tenant.code, make_interval(secs => seconds));
    perform grid.register_meters(tap.tenant(tenant.code),
        '[{"meter_id": "M-1", "region": "north", "installed_at": "2026-01-01Z"}]');
    return tap.tenant(tenant.code);
end;
$$;
create function pg_temp.rows_of(code text) returns text
language sql
as $$
    select string_agg(format('%s=%s', to_char(r.ts at time zone 'UTC', 'HH24:MI'), r.energy), ' ' order by r.ts)
    from grid.reading as r
    where r.meter_id = tap.meter(rows_of.code, 'M-1') and r.ts >= '2026-03-02 10:00Z'
$$;

-- How intervals lie
select pg_temp.tenant('s' || s, s) from unnest(array[60, 300, 600, 900, 1200, 1800, 2700, 3600, 86400]) as s;
select tap.read('s' || s, 'M-1', '2026-03-02 10:00Z', 1.000001)
from unnest(array[60, 300, 600, 900, 1200, 1800, 2700, 3600]) as s;
select is(pg_temp.rows_of('s60'), '10:00=1000001', 'a minute lies in its window');
select is(pg_temp.rows_of('s300'), '10:00=1000001', 'and five minutes');
select is(pg_temp.rows_of('s900'), '10:00=1000001', 'and a quarter of an hour');
select is(pg_temp.rows_of('s1800'), '10:00=500000 10:15=500001', 'half an hour lies on two windows');
select is(pg_temp.rows_of('s2700'), '10:00=333333 10:15=333334 10:30=333334', 'three quarters on three');
select is(
    pg_temp.rows_of('s3600'), '10:00=250000 10:15=250000 10:30=250000 10:45=250001', 'and an hour on four, exactly'
);
select is(pg_temp.rows_of('s600'), '10:00=1000001', 'ten minutes that lie in one window do');
select is(pg_temp.rows_of('s1200'), '10:00=750000 10:15=250001', 'twenty minutes lie on two, by their time');
select tap.read('s600', 'M-1', '2026-03-02 10:10Z', -0.000003);
select is(pg_temp.rows_of('s600'), '10:00=1000001 10:10=-2 10:15=-1', 'so do ten that reach into the next one');
select tap.read('s1800', 'M-1', '2026-03-02 10:35Z', 0.9);
select is(
    pg_temp.rows_of('s1800'), '10:00=500000 10:15=500001 10:35=300000 10:45=450000 11:00=150000',
    'and half an hour that keeps to no clock'
);

-- Nothing is lost, whatever is sent
insert into grid.reading (ts, meter_id, energy)
select '2026-03-05Z'::timestamptz + n * make_interval(secs => s), tap.meter('s' || s, 'M-1'), 7 * n * n - 9001 * n
from unnest(array[60, 300, 600, 900, 1200, 1800, 2700, 3600, 86400]) as s, generate_series(0, 50) as n;
select is_empty(
    $$ select r.meter_id from grid.reading as r where r.ts >= '2026-03-05Z' group by r.meter_id
       having sum(r.energy) <> (select sum(7 * n * n - 9001 * n) from generate_series(0, 50) as n) $$,
    'all windows together hold what was sent'
);
select is_empty(
    $$ select h.ts from grid.reading as h
       join grid.reading as r on r.meter_id = h.meter_id and (r.part_of = h.ts or r.ts = h.ts)
       where h.whole is not null group by h.meter_id, h.ts, h.whole having sum(r.energy) <> h.whole $$,
    'and so does each reading'
);
select results_eq(
    $$ select count(*), count(*) filter (where part_of is null) from grid.reading
       where meter_id = tap.meter('s86400', 'M-1') $$,
    $$ values (51 * 96::bigint, 51::bigint) $$, 'a day lies on its 96 windows'
);
insert into grid.reading (ts, meter_id, energy)
select '2026-03-05Z'::timestamptz, tap.meter('s3600', 'M-1'), 5 on conflict do nothing;
select results_eq(
    $$ select sum(energy)::bigint from grid.reading
       where meter_id = tap.meter('s3600', 'M-1') and ts >= '2026-03-05Z' and ts < '2026-03-05 01:00Z' $$,
    $$ values (0::bigint) $$, 'a retry changes nothing'
);

-- Loads, alerts, bills
create function pg_temp.receive(code text, ts timestamptz, kwh numeric, at timestamptz) returns void
language sql
as $$
    select tap.read(code, 'M-1', ts, kwh);
    insert into ingest.batch (tenant_id, received_at, source, accepted, duplicates, rejected, first_ts, last_ts)
    values (tap.tenant(code), at, 'queue', 1, 0, 0, ts, ts);
$$;
create function pg_temp.close(code text, at timestamptz) returns timestamptz
language sql
as $$
    select count(*) from grid.seal_windows(at);
    select grid.close_sealed_windows(at);
    select grid.restate_late_windows(at);
    select closed_until from grid.window_progress where tenant_id = tap.tenant(code);
$$;
create function pg_temp.live(code text, seconds integer, kwh numeric, readings integer) returns void
language plpgsql
as $$
begin
    for n in 0..readings - 1 loop
        perform pg_temp.receive(code, '2026-03-10Z'::timestamptz + n * make_interval(secs => seconds), kwh,
            '2026-03-10Z'::timestamptz + (n + 1) * make_interval(secs => seconds) + interval '20 seconds');
        -- every minute until the next one
        for m in 0..seconds / 60 - 1 loop
            perform pg_temp.close(code, '2026-03-10Z'::timestamptz + (n + 1) * make_interval(secs => seconds)
                + m * interval '1 minute' + interval '25 seconds');
        end loop;
    end loop;
end;
$$;
select pg_temp.tenant('half', 1800), pg_temp.tenant('hour', 3600);
update alert.rule set threshold = 2000000 where kind = 'high' and tenant_id in (tap.tenant('half'), tap.tenant('hour'));
select pg_temp.live('half', 1800, 0.5, 14), pg_temp.live('hour', 3600, 3, 6);
create temporary view load as
select t.code, l.window_start, l.revision, l.energy, l.meters
from grid.region_load as l join grid.region as r using (region_id, tenant_id) join grid.tenant as t using (tenant_id)
where r.code = 'north';
select is_empty(
    $$ select * from alert.alert where tenant_id in (tap.tenant('half'), tap.tenant('hour')) $$,
    'meters that send on time raise nothing: 3 kWh an hour is 3 kW, and 2 kWh a quarter of an hour 8'
);
select results_eq(
    $$ select code, min(energy), max(energy), max(revision), count(*) > 10 from load
       where code in ('half', 'hour') group by code order by code $$,
    $$ values ('half', 250000::bigint, 250000::bigint, 1, true), ('hour', 750000, 750000, 1, true) $$,
    'every window has its share when it closes, and is not restated'
);
select is(
    (select closed_until from grid.window_progress where tenant_id = tap.tenant('half')), '2026-03-10 07:00Z',
    'and closes as soon as its readings are there'
);
select is(grid.catching_up(tap.tenant('hour'), '2026-03-10 06:00:25Z'), false, 'an hour that is just over is live');
select tap.read('hour', 'M-1', '2026-03-10 06:00Z', 8.4);
select pg_temp.close('hour', '2026-03-10 07:02Z');
select is(
    (select count(*) || ' ' || max(value) from alert.alert where tenant_id = tap.tenant('hour') and kind = 'high'),
    '1 2100000', '8.4 kWh an hour is more'
);
select is(
    (
        select amount
        from
            tariff.cost(
                tap.tenant('hour'), tap.region('hour', 'north'), tap.meter('hour', 'M-1'), '{(,)}',
                '2026-03-10 00:00Z', '2026-03-10 06:00Z'
            )
    ),
    (
        select sum(l.energy * coalesce(p.price, 0.12))
        from load as l
        left join tariff.price as p on p.region_id = tap.region('hour', 'north') and p.window_start = l.window_start
        where l.code = 'hour' and l.window_start < '2026-03-10 06:00Z'
    ), 'a bill has each share at the price of its window'
);
select is(
    (select sum(energy)::bigint from rollup.reading_15m where meter_id = tap.meter('hour', 'M-1')), 26400000::bigint,
    'and the rollups all of them'
);

-- Late
select pg_temp.close('half', '2026-03-10 08:17Z');
select is(
    (select string_agg(format('%s %s', kind, occurrences), ',') from alert.alert where tenant_id = tap.tenant('half')),
    'silent 4', 'a meter that misses an hour is missed once'
);
select tap.read('half', 'M-1', '2026-03-10 07:00Z', 0.000003);
select is_empty(
    $$ select from grid.late_window where tenant_id = tap.tenant('half') and readings is not null $$,
    'the log does not take what was sent for what counts in a window'
);
select pg_temp.close('half', '2026-03-10 08:18Z');
select results_eq(
    $$ select window_start, revision, energy, meters from load
       where code = 'half' and window_start >= '2026-03-10 07:00Z' and revision > 1 order by window_start $$,
    $$ values ('2026-03-10 07:00Z'::timestamptz, 2, 1::bigint, 1), ('2026-03-10 07:15Z', 2, 2, 1) $$,
    'a late half hour restates both its windows, by its shares'
);

-- The interval changes
update grid.tenant set reading_interval = '1 minute' where code = 'hour';
update grid.tenant set reading_interval = '30 minutes' where code = 'hour';
update grid.tenant set reading_interval = '15 minutes' where code = 'hour';
select results_eq(
    $$ select until, reading_interval from grid.past_interval where tenant_id = tap.tenant('hour') $$,
    $$ values ('2026-03-10 07:30Z'::timestamptz, interval '1 hour') $$, 'until now it was an hour'
);
select tap.read('hour', 'M-1', '2026-03-09 10:00Z', 4), tap.read('hour', 'M-1', '2026-03-10 09:00Z', 1);
select results_eq(
    $$ select grid.window_start(ts), energy from grid.reading where meter_id = tap.meter('hour', 'M-1')
       and (ts >= '2026-03-10 09:00Z' or ts < '2026-03-10Z' and ts > '2026-03-09Z') order by ts $$,
    $$ values ('2026-03-09 10:00Z'::timestamptz, 1000000::bigint), ('2026-03-09 10:15Z', 1000000),
              ('2026-03-09 10:30Z', 1000000), ('2026-03-09 10:45Z', 1000000), ('2026-03-10 09:00Z', 1000000) $$,
    'what comes late of that time is spread, what is new is not'
);
select pg_temp.tenant('fresh', 60);
update grid.tenant set reading_interval = '1 hour' where code = 'fresh';
select is_empty(
    $$ select from grid.past_interval where tenant_id = tap.tenant('fresh') $$, 'before any window there is no past'
);

-- Readings whose intervals meet
create function pg_temp.windows_of(code text, since timestamptz) returns text
language sql
as $$
    select string_agg(format('%s=%s', to_char(w.starts at time zone 'UTC', 'HH24:MI'), w.energy), ' ' order by w.starts)
    from (
        select grid.window_start(r.ts) as starts, sum(r.energy) as energy from grid.reading as r
        where r.meter_id = tap.meter(windows_of.code, 'M-1') and r.ts >= windows_of.since
          and r.ts < windows_of.since + interval '1 day'
        group by 1
    ) as w
$$;
create function pg_temp.take(code text, stamps text[]) returns text
language sql
as $$
    select string_agg(s.outcome, ' ' order by s.place)
    from ingest.store(
        'queue', array_fill(tap.tenant(code), array[cardinality(stamps)]),
        array(
            select jsonb_build_object('meter_id', 'M-1', 'timestamp', u.stamp, 'kwh', 3.6)
            from unnest(stamps) with ordinality as u (stamp, n) order by u.n
        ), array_fill('start'::text, array[cardinality(stamps)]), '2026-03-22Z'
    ) as s
$$;
select pg_temp.tenant(code, 3600) from unnest(array['late', 'early', 'once', 'often', 'lots', 'odd']) as code;
select is(
    array[pg_temp.take('late', '{2026-03-20T10:00:01Z}'), pg_temp.take('late', '{2026-03-20T11:00:00Z}')],
    '{accepted,accepted}', 'a clock that was a second late keeps no hour out'
);
select pg_temp.take('early', '{2026-03-20T11:00:00Z}'), pg_temp.take('early', '{2026-03-20T10:00:01Z}');
select pg_temp.take('once', '{2026-03-20T10:00:01Z,2026-03-20T11:00:00Z}');
select is(
    (
        select array_agg(distinct pg_temp.windows_of(code, '2026-03-20Z'))
        from unnest(array['late', 'early', 'once']) as code
    ),
    '{10:00=899000 10:15=900000 10:30=900000 10:45=900000 11:00=901000 11:15=900000 11:30=900000 11:45=900000}',
    'and lies where it does in whatever order and writes they come'
);
select is(
    pg_temp.take('often', '{2026-03-20T10:00:00Z,2026-03-20T10:15:00Z,2026-03-20T10:30:00Z}'),
    'accepted accepted accepted', 'meters that send more often than was said are taken in, together'
);
select is(
    array[
        pg_temp.take('lots', '{2026-03-20T10:00:00Z}'), pg_temp.take('lots', '{2026-03-20T10:15:00Z}'),
        pg_temp.take('lots', '{2026-03-20T10:30:00Z}'), pg_temp.take('lots', '{2026-03-20T10:15:00Z}')
    ], '{accepted,accepted,accepted,duplicate}', 'and one after the other'
);
select is(
    (select array_agg(distinct pg_temp.windows_of(code, '2026-03-20Z')) from unnest(array['often', 'lots']) as code),
    '{10:00=900000 10:15=1800000 10:30=2700000 10:45=2700000 11:00=1800000 11:15=900000}',
    'each counts in all of its time'
);
select pg_temp.take('odd', '{2026-03-20T10:00:00Z,2026-03-20T10:02:00Z}');
select pg_temp.take('odd', '{2026-03-20T10:04:00Z}');
select is(
    pg_temp.windows_of('odd', '2026-03-20Z'), '10:00=2340000 10:15=2700000 10:30=2700000 10:45=2700000 11:00=360000',
    'nothing is lost or refused of intervals that begin in one window'
);
select results_eq(
    $$ select sum(r.energy)::bigint, count(*) filter (where r.part_of is null) from grid.reading as r
       where r.meter_id = tap.meter('odd', 'M-1') $$, $$ values (10800000::bigint, 3::bigint) $$, 'to the milliwatt-hour'
);
update grid.tenant set reading_interval = '1 hour' where code = 's900';
select is(
    (
        select array_agg(extract(epoch from grid.window_lag(t.tenant_id))::integer order by t.reading_interval)
        from grid.tenant as t where t.code like 's%' and t.code not in ('s60', 's900')
    ),
    '{0,300,900,900,1800,2700,85500}'::integer[], 'windows wait for the last interval that tells of them'
);

-- What meters sent
insert into auth.user_account (tenant_id, email, name, role)
values (tap.tenant('half'), 'operator@half.example', 'Operator', 'operator');
select tap.sign_in('half', 'operator');
select results_eq(
    $$ select "timestamp", energy_kwh from api.readings where "timestamp" >= '2026-03-10 06:30Z' order by 1 $$,
    $$ values ('2026-03-10 06:30Z'::timestamptz, 0.5), ('2026-03-10 07:00Z', 0.000003) $$,
    'is shown as they sent it'
);
select results_eq(
    'select "timestamp", energy_kwh from api.latest_readings',
    $$ values ('2026-03-10 07:00Z'::timestamptz, 0.000003) $$, 'the latest one too'
);
select tap.sign_out();

select * from finish();
rollback;
