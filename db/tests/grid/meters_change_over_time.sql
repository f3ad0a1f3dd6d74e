begin;
select plan(24);
select tap.make_tenant('acme');
create function pg_temp.change(
    code text, region text, kind text, retired boolean, since timestamptz
) returns void
language sql
as $$
    select grid.change_meter(
        tap.tenant('acme'), tap.meter('acme', code), tap.region('acme', region), kind, retired, since,
        '2026-03-03 00:00Z'
    )
$$;
create function pg_temp.found(code text, at timestamptz) returns text
language sql
as $$
    select string_agg(v.kind, ' ') from alert.violations(tap.tenant('acme'), at) as v where v.meter_code = code
$$;
create function pg_temp.load(at timestamptz) returns text
language sql
as $$
    select string_agg(format('%s %s', r.code, l.energy / 1000000), ', ' order by r.code)
    from grid.region as r
    cross join lateral (
        select o.energy from grid.region_load as o
        where o.region_id = r.region_id and o.window_start = at order by o.revision desc limit 1
    ) as l
    where r.tenant_id = tap.tenant('acme') and l.energy <> 0
$$;

-- Prices from before: north 1 a kWh, south 3.
insert into tariff.price (tenant_id, region_id, window_start, price, multiplier, load_energy, plan_id)
select tap.tenant('acme'), tap.region('acme', p.region), w.at, p.price, 1, 0, plan.plan_id
from (values ('north', 1), ('south', 3)) as p (region, price)
cross join generate_series('2026-03-02 10:00Z'::timestamptz, '2026-03-02 10:45Z', '15 minutes') as w (at)
join tariff.plan as plan on plan.tenant_id = tap.tenant('acme');

-- M-1 (alice's) is moved from north to south at 10:07; every meter but M-4 sends 1 kWh each window of the hour.
select tap.read('acme', m.code, w.at, case m.code when 'M-3' then -1 when 'M-5' then 0 else 1 end)
from grid.meter as m
cross join generate_series('2026-03-02 10:00Z'::timestamptz, '2026-03-02 10:45Z', '15 minutes') as w (at)
where m.tenant_id = tap.tenant('acme') and m.code <> 'M-4';
select pg_temp.change('M-1', 'south', null, null, '2026-03-02 10:07Z');
select grid.close_window(tap.tenant('acme'), w.at)
from generate_series('2026-03-02 10:00Z'::timestamptz, '2026-03-02 10:45Z', '15 minutes') as w (at);
insert into grid.window_progress values (tap.tenant('acme'), '2026-03-02 11:00Z', '2026-03-02 11:00Z');

select
    is(
        pg_temp.load('2026-03-02 10:00Z'),
        'east -1, north 1, south 1',
        'a window counts where the meter was when it began'
    );
select is(pg_temp.load('2026-03-02 10:15Z'), 'east -1, south 2', 'and the next where it is since');
select tap.read('acme', 'M-1', '2026-03-02 10:01Z', 5);
select grid.restate_tenant_window(tap.tenant('acme'), '2026-03-02 10:00Z');
select
    is(
        pg_temp.load('2026-03-02 10:00Z'),
        'east -1, north 6, south 1',
        'a late reading, added, counts where the meter was'
    );
select grid.restate_window(tap.tenant('acme'), '2026-03-02 10:00Z');
select is(pg_temp.load('2026-03-02 10:00Z'), 'east -1, north 6, south 1', 'and summed again too');
select results_eq(
    $$ select r.code, o.periods from grid.owned_region as o join grid.region as r using (region_id)
       where o.user_id = tap.account('acme', 'alice') order by r.code $$,
    $$ values ('north', '{["2020-01-01 00:00Z","2026-03-02 10:07Z")}'::tstzmultirange),
        ('south', '{["2026-03-02 10:07Z",)}') $$,
    'its owner sees the prices of each region for the time that it was there'
);
select throws_ok(
    $$ select pg_temp.change('M-2', 'north', null, null, '2026-03-02 10:59Z') $$, 'PT409', null,
    'a meter is not moved in windows that are closed'
);
select
    lives_ok($$ select pg_temp.change('M-2', 'north', null, null, '2026-03-02 11:00Z') $$, 'but in those that are not');
select throws_ok(
    $$ select pg_temp.change('M-2', 'west', null, null, '2026-03-02 11:00Z') $$, 'PT409', null,
    'nor before it was changed last'
);

-- Alerts: raised by closing the hour, M-3 negative, M-4 silent, M-5 zero, four times each.
select is(
    (
        select string_agg(format('%s %s', meter_code, kind || occurrences), ', ' order by meter_code) from alert.alert
        where tenant_id = tap.tenant('acme')
    ),
    'M-3 negative4, M-4 silent4, M-5 zero4', 'the faults of the hour'
);
select pg_temp.change('M-3', null, 'two_way', null, '2026-03-02 10:15Z');
select pg_temp.change('M-4', null, null, true, '2026-03-02 10:20Z');
select pg_temp.change('M-5', null, 'two_way', null, '2026-03-01 00:00Z');
select is(
    (
        select string_agg(format('%s %s %s', meter_code, kind || occurrences, status), ', ' order by meter_code)
        from alert.alert
        where tenant_id = tap.tenant('acme')
    ),
    'M-3 negative1 active, M-4 silent2 active, M-5 zero1 resolved',
    'what a change disproves is taken back, from its time on'
);
select is(
    (select withdrawn_reason from alert.alert where meter_code = 'M-5' and tenant_id = tap.tenant('acme')),
    'the meter was of another kind, or out of service, by then', 'with the reason'
);
select is(pg_temp.found('M-3', '2026-03-02 10:00Z'), 'negative', 'before it changed it was what it was');
select is(pg_temp.found('M-3', '2026-03-02 10:15Z'), null, 'panels feed in');
select is(pg_temp.found('M-5', '2026-03-02 10:15Z'), null, 'and nothing flows at night');
select is(pg_temp.found('M-4', '2026-03-02 10:00Z'), 'silent', 'a meter in service is silent');
select is(pg_temp.found('M-4', '2026-03-02 10:15Z'), null, 'one that is retired in the window is not');
select is(pg_temp.found('M-4', '2026-03-02 12:00Z'), null, 'nor is a retired one');
select pg_temp.change('M-4', null, null, false, '2026-03-02 13:00Z');
select is(pg_temp.found('M-4', '2026-03-02 12:00Z'), null, 'back in service it was still retired then');
select is(pg_temp.found('M-4', '2026-03-02 13:00Z'), 'silent', 'and is silent since');
select is(
    (select count(*) from grid.meter_past where meter_id = tap.meter('acme', 'M-4')), 2::bigint, 'what was true is kept'
);
select pg_temp.change('M-4', 'west', 'one_way', false, '2026-03-02 14:00Z');
select is(
    (select count(*) from grid.meter_past where meter_id = tap.meter('acme', 'M-4')), 2::bigint,
    'a change to what it is changes nothing'
);

select tap.sign_in('acme', 'alice');
select is(
    (select count(*) from api.tariffs where region = 'north' and window_start >= '2026-03-02 10:15Z'), 0::bigint,
    'a consumer does not see the old region''s prices of the time since'
);
select is(
    (select array_agg(distinct region order by region) from api.regions), '{north,south}',
    'but both regions'
);
select is(
    (select format('%s kWh, %s', energy_kwh, amount) from api.estimate_running_bill('M-1', '2026-03-02 11:00Z')),
    '9 kWh, 15.00', 'and is billed each window at the price of where the meter was'
);
select * from finish();
rollback;
