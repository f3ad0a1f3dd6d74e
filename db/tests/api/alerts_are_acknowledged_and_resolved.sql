begin;
select plan(19);
select tap.make_tenant('acme');
create temp table raised as
select
    m.code,
    alert.raise(tap.tenant('acme'), tap.meter('acme', m.code), 'high', 'critical', '2026-01-01 10:15Z', 9, 5) as id
from (values ('M-1'), ('M-2')) as m (code);
grant select on raised to public;
create function pg_temp.id(meter_code text) returns bigint
language sql
as $$
    select id from raised where code = meter_code
$$;

select tap.sign_in('acme', 'alice');
select is((select status from api.alerts), 'active', 'an alert begins active');
select is((api.acknowledge_alert(pg_temp.id('M-1'))).status, 'acknowledged', 'a consumer acknowledges their alert');
select is((select acknowledged_by from api.alerts), 'alice', 'in their name');
select is((select acknowledged_by from api.open_alerts), 'alice', 'it is still open');
select lives_ok($$ select api.acknowledge_alert(pg_temp.id('M-1')) $$, 'twice does no harm');
select throws_ok(
    $$ select api.acknowledge_alert(pg_temp.id('M-2')) $$, 'PT404', null, 'a neighbour''s alert is not there'
);
select throws_ok($$ select api.acknowledge_alert(-1) $$, 'PT404', 'There is no alert -1', 'like one that never was');
select throws_ok($$ select api.acknowledge_alert(null) $$, 'PT404', null, 'or none at all');
select throws_ok(
    $$ select api.resolve_alert(pg_temp.id('M-2')) $$, 'PT404', null, 'a neighbour''s is not there to resolve either'
);

select tap.sign_in('acme', 'operator');
select is((
    select
        count(*) from api.alerts where severity = 'critical' and kind = 'high' and region = 'north'
        and meter_id = 'M-1' and status = 'acknowledged'
), 1::bigint, 'filters find it');
select is((api.resolve_alert(pg_temp.id('M-1'))).resolved_by, 'operator', 'an operator resolves');
select ok((
    select acknowledged_at is not null and resolved_at is not null from api.alerts
    where alert_id = pg_temp.id('M-1')
), 'and both times are kept');
select is((select array_agg(meter_id) from api.open_alerts), '{M-2}', 'it is no longer open; others are');
select throws_ok(
    $$ select api.acknowledge_alert(pg_temp.id('M-1')) $$, 'PT409',
    format('Alert %s is resolved and cannot become acknowledged', pg_temp.id('M-1')), 'resolved is final'
);
select tap.sign_in('acme', 'bob');
select is(
    (api.resolve_alert(pg_temp.id('M-2'))).resolved_by, 'bob', 'a consumer resolves their own, an active one at once'
);
select tap.sign_in('acme', 'alice');
select is_empty('select * from api.open_alerts', 'nor is it for its owner');
select is((select resolved_by from api.alerts), null, 'a consumer is not told the operator''s name');

select tap.sign_out();
select results_eq(
    $$ select topic, payload ->> 'meter_id', payload ->> 'status' from event.log where topic ~ '^alert' order by id $$,
    $$ values ('alert.raised', 'M-1', 'active'), ('alert.raised', 'M-2', 'active'),
        ('alert.acknowledged', 'M-1', 'acknowledged'), ('alert.resolved', 'M-1', 'resolved'),
        ('alert.resolved', 'M-2', 'resolved') $$,
    'each change is told, once'
);
select throws_ok(
    $$ select alert.set_status(pg_temp.id('M-2'), 'active', null) $$, 'PT409', null, 'nothing becomes active again'
);
select * from finish();
rollback;
