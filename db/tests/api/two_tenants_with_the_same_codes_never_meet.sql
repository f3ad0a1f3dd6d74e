begin;
select plan(43);
select tap.make_tenant('acme');
select tap.make_tenant('other');

-- The same codes, times and kinds on both sides; the other tenant's figures are all 7.
select tap.read(t.code, m.code, '2026-01-01 10:05Z', t.kwh)
from (values ('acme', 1), ('other', 7)) as t (code, kwh), (values ('M-1'), ('M-2')) as m (code);
select tap.close(t.code, 'north', '2026-01-01 10:00Z', t.kwh) from (values ('acme', 1), ('other', 7)) as t (code, kwh);
select alert.raise(
    tap.tenant(t.code), tap.meter(t.code, 'M-1'), 'high', 'warning', '2026-01-01 10:15Z', t.kwh * 1000000, 500000
) from (values ('acme', 1), ('other', 7)) as t (code, kwh);
insert into ingest.quarantine (tenant_id, source, code, message, reading)
select tap.tenant(t.code), 'http', 'unknown_meter', 'no such meter', jsonb_build_object('kwh', t.kwh)
from (values ('acme', 1), ('other', 7)) as t (code, kwh);
insert into alert.rule (tenant_id, kind, meter_id, threshold)
select tap.tenant(t.code), 'high', tap.meter(t.code, 'M-1'), t.kwh * 1000000
from (values ('acme', 1), ('other', 7)) as t (code, kwh);

create temp table foreign_alert as select alert_id from alert.alert where tenant_id = tap.tenant('other');
grant select on foreign_alert to public;

create function pg_temp.sums(who text) returns setof text
language plpgsql
as $$
begin
    perform tap.sign_in('acme', who);
    return next is((select array_agg(distinct energy_kwh) from api.readings), '{1}', who || ' reads own readings');
    return next is((select array_agg(distinct energy_kwh) from api.latest_readings), '{1}', who || ' latest_readings');
    return next is((select array_agg(distinct energy_kwh) from api.readings_1m), '{1}', who || ' readings_1m');
    return next is((select array_agg(distinct energy_kwh) from api.readings_15m), '{1}', who || ' readings_15m');
    return next is((select array_agg(distinct energy_kwh) from api.readings_1h), '{1}', who || ' readings_1h');
    return next is((select count(*) from api.tariffs), 1::bigint, who || ' tariffs');
    return next is((select array_agg(distinct energy_kwh) from api.alerts), '{1}', who || ' alerts');
    return next is((select count(*) from api.tariff_plans), 1::bigint, who || ' tariff_plans');
    return next is(
        (select array_agg(distinct threshold_kwh) from api.alert_rules where meter_id is not null), '{1}',
        who || ' alert_rules'
    );
end;
$$;
select pg_temp.sums(who) from (values ('alice'), ('operator'), ('admin')) as w (who);

select tap.sign_in('acme', 'operator');
select is((select count(*) from api.meters), 5::bigint, 'an operator sees the tenant''s meters');
select is((select count(*) from api.regions), 5::bigint, 'and regions');
select is((select count(*) from api.current_tariffs), 5::bigint, 'and what they cost now');
select is((select array_agg(energy_kwh) from api.region_loads), '{1}', 'and loads');
select is((select array_agg(reading) from api.quarantined_readings), array['{"kwh": 1}'::jsonb], 'and quarantine');
select throws_ok(
    format($$ select api.acknowledge_alert(%s) $$, f.alert_id), 'PT404', format('There is no alert %s', f.alert_id),
    'but cannot touch the other''s alert'
) from foreign_alert as f;

select tap.sign_in('acme', 'alice');
select is((select array_agg(meter_id) from api.meters), '{M-1}', 'a consumer sees their meter');
select is((select array_agg(region) from api.regions), '{north}', 'and its region');
select is((select array_agg(region) from api.current_tariffs), '{north}', 'and what it costs there now');
select tap.sign_in('acme', 'bob');
select is((select array_agg(meter_id) from api.meters), '{M-2}', 'the other consumer theirs');
select is((select count(*) from api.alerts), 0::bigint, 'and not the neighbour''s alerts');
select is((select count(*) from api.tariffs), 0::bigint, 'nor the prices of regions they have no meter in');

-- A token of one tenant with the user of the other: check_request refuses it; the views show nothing either.
select tap.sign_out();
select set_config('request.jwt.claims', (tap.claims('other', 'alice', 'consumer') || '{"tenant": "acme"}')::text, true);
set local role consumer;
select is((select count(*) from api.meters), 0::bigint, 'a user of another tenant owns nothing here');
select is((select count(*) from api.readings), 0::bigint, 'and reads nothing');
select set_config('request.jwt.claims', '', true);
select is((select count(*) from api.meters), 0::bigint, 'no claims, no meters');
set local role operator;
select is((select count(*) from api.meters), 0::bigint, 'for an operator neither');
select * from finish();
rollback;
