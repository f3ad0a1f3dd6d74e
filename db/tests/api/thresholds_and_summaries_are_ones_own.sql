begin;
select plan(33);
select tap.make_tenant('acme');
select tap.make_tenant('other');
create function pg_temp.detected(at timestamptz, out severity text, out threshold_kwh numeric) returns setof record
language plpgsql
as $$
begin
    perform tap.sign_out();
    perform alert.detect(tap.tenant('acme'), at);
    return query
    select a.severity, trim_scale(a.threshold * 0.000001) from alert.alert as a
    where a.meter_id = tap.meter('acme', 'M-1') and a.raised_at = at + interval '15 minutes' and a.kind = 'high';
end;
$$;
select tap.read('acme', 'M-1', at, 5) from unnest(array[
        '2026-01-01 10:00Z', '2026-01-01 12:00Z', '2026-01-01 14:00Z', '2026-01-01 16:00Z', '2026-01-01 18:00Z'
    ]::timestamptz[]) as at;

select is_empty($$ select * from pg_temp.detected('2026-01-01 10:00Z') $$, '5 kWh are not much by default');
select tap.sign_in('acme', 'alice');
select results_eq(
    $$ select * from api.alert_thresholds $$, $$ values ('M-1', 100::numeric, 'warning', true, 'tenant') $$,
    'the tenant''s threshold holds for a consumer''s meter'
);
select is((api.set_threshold('M-1', 4.5)).threshold_kwh, 4.5, 'they set their own');
select is((select set_for from api.alert_thresholds), 'owner and meter', 'for the meter while it is theirs');
select is((select count(*) from api.alert_rules), 1::bigint, 'and see it among the rules');
select results_eq(
    $$ select * from pg_temp.detected('2026-01-01 12:00Z') $$, $$ values ('warning', 4.5) $$, 'it raises the alert'
);
select tap.sign_in('acme', 'alice');
select is((api.set_threshold('M-1', 6)).threshold_kwh, 6::numeric, 'it can be changed');
select is_empty($$ select * from pg_temp.detected('2026-01-01 14:00Z') $$, 'and then raises none');
select tap.sign_in('acme', 'operator');
select is((api.set_threshold('M-1', 2)).threshold_kwh, 6::numeric, 'what an operator sets yields to the owner''s');
select tap.sign_in('acme', 'alice');
select results_eq(
    $$ select threshold_kwh, set_for from api.set_threshold('M-1', null) $$, $$ values (2::numeric, 'meter') $$,
    'taken back, the meter''s holds'
);
select results_eq(
    $$ select * from pg_temp.detected('2026-01-01 16:00Z') $$, $$ values ('warning', 2::numeric) $$, 'and raises'
);
select tap.sign_in('acme', 'alice');
select throws_ok(
    $$ select api.set_threshold('M-2', 1) $$, 'PT404', 'There is no meter M-2', 'a neighbour''s meter is not there'
);
select throws_ok($$ select api.set_threshold('M-9', 1) $$, 'PT404', 'There is no meter M-9', 'like an unknown one');
select throws_ok($$ select api.set_threshold('M-1', 0) $$, 'PT422', null, 'nothing is no threshold');
select throws_ok($$ select api.set_threshold('M-1', 10001) $$, 'PT422', null, 'nor more than a reading may say');
select throws_ok($$ select api.set_threshold('M-1', 'NaN') $$, 'PT422', null, 'nor no number');

-- The meter changes hands: what alice wanted of it is hers.
select lives_ok($$ select api.set_threshold('M-1', 1) $$, 'a last one');
select tap.sign_out();
update grid.meter_ownership set period = '[2020-01-01Z, 2026-01-01 17:00Z)'
where user_id = tap.account('acme', 'alice');
select tap.own('acme', 'M-1', 'bob', '[2026-01-01 17:00Z,)');
select results_eq(
    $$ select * from pg_temp.detected('2026-01-01 18:00Z') $$, $$ values ('warning', 2::numeric) $$,
    'the next owner is not told by it'
);
select tap.sign_in('acme', 'bob');
select is(
    (select threshold_kwh from api.alert_thresholds where meter_id = 'M-1'), 2::numeric, 'nor sees what holds not'
);
select is(
    (select array_agg(threshold_kwh) from api.alert_rules where meter_id = 'M-1'), '{2}', 'nor among the rules'
);
select tap.sign_in('acme', 'alice');
select throws_ok($$ select api.set_threshold('M-1', 1) $$, 'PT404', null, 'who owned it once sets nothing');
select is((select count(*) from api.alert_thresholds), 0::bigint, 'and sees none');

-- Alerts of alice's time: 12:15 and 16:15; of bob's: 18:15.
select is((select active from api.alert_summary()), 2::bigint, 'a summary counts one''s own');
select is((select active from api.alert_summary('2026-01-01 13:00Z')), 1::bigint, 'since a time');
select tap.sign_in('acme', 'operator');
select lives_ok(
    $$ select api.resolve_alert(min(alert_id)), api.acknowledge_alert(max(alert_id)) from api.alerts
    where kind = 'high' $$, 'two are dealt with'
);
select results_eq(
    $$ select active > 0, acknowledged, resolved, open_warning > 1, open_by_kind -> 'high', meters_with_open,
        latest_raised_at
    from api.alert_summary() $$,
    $$ values (true, 1::bigint, 1::bigint, true, '2'::jsonb, 5::bigint, '2026-01-01 18:15Z'::timestamptz) $$,
    'an operator''s counts the tenant''s'
);
select tap.sign_in('other', 'operator');
select results_eq(
    $$ select active, acknowledged, resolved, open_by_kind from api.alert_summary() $$,
    $$ values (0::bigint, 0::bigint, 0::bigint, '{}'::jsonb) $$, 'and another tenant''s nothing of it'
);
select is((select array_agg(distinct threshold_kwh) from api.alert_thresholds), '{100}', 'nor the thresholds');

select tap.sign_in('acme', 'alice');
select is(api.set_preferences('{"language": "de", "theme": "dark"}'), '{"language": "de", "theme": "dark"}', 'set');
select is(api.set_preferences('{"theme": null}'), '{"language": "de"}', 'null takes back');
select throws_ok($$ select api.set_preferences('[]') $$, 'PT422', null, 'an object is wanted');
select tap.sign_in('acme', 'bob');
select is((select preferences from api.preferences), '{}', 'everybody has their own');
select tap.sign_out();
select tap.read('acme', 'M-1', '2026-01-01 20:00Z', 5);
select grid.close_window(tap.tenant('acme'), '2026-01-01 20:00Z');
select is(
    (select a.threshold from alert.alert as a where a.kind = 'high' and a.raised_at = '2026-01-01 20:15Z'),
    2000000::bigint, 'closing a window looks at the thresholds of single meters'
);
select * from finish();
rollback;
