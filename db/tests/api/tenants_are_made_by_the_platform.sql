begin;
select plan(36);
select tap.make_tenant('acme');
select tap.make_tenant('other');
insert into auth.user_account (tenant_id, email, name, role)
select t.tenant_id, 'root@platform.example', 'root', 'platform_admin' from grid.tenant as t where t.code = 'platform';

select tap.sign_in('platform', 'root');
select lives_ok($$ select auth.check_request() $$, 'a platform administrator''s token passes');
select results_eq(
    $$ select tenant, name, time_zone, currency from api.create_tenant(
        'newco', 'New Company', 'Ada@newco.example', 'Ada', 'Asia/Kolkata', 'INR'
    ) $$,
    $$ values ('newco', 'New Company', 'Asia/Kolkata', 'INR') $$,
    'and makes tenants'
);
select bag_has(
    $$ select tenant from api.tenants $$, $$ values ('acme'), ('other'), ('newco') $$, 'which they list'
);
select is((select count(*) from api.tenants where tenant = 'platform'), 0::bigint, 'without their own');
select throws_ok(
    $$ select api.create_tenant('acme', 'Again', 'a@b.example', 'A') $$, 'PT409', 'There is a tenant acme already',
    'a code is used once'
);
select throws_ok(format('select api.create_tenant(%s)', arguments), 'PT422', null, 'not ' || arguments)
from unnest(array[
        $$ 'No', 'x', 'a@b.example', 'A' $$, $$ null, 'x', 'a@b.example', 'A' $$, $$ 'no', '', 'a@b.example', 'A' $$,
        $$ 'no', 'x', 'a', 'A' $$, $$ 'no', 'x', 'a@b.example', '' $$, $$ 'no', 'x', 'a@b.example', 'A', 'Mars' $$,
        $$ 'no', 'x', 'a@b.example', 'A', 'UTC', 'euro' $$, $$ 'no', 'x', 'a@b.example', 'A', null $$
    ]) as arguments;
select throws_ok(
    format('select from api.%I', name), '42501', null, 'they see nothing of what is in tenants: ' || name
) from unnest(array['users', 'meters', 'readings', 'tenant_settings', 'alerts', 'events']) as name;

select tap.sign_out();
select is(
    (select count(*) from grid.region where tenant_id = tap.tenant('newco')), 5::bigint, 'a new tenant has regions'
);
select results_eq(
    $$ select email, name, role, password_hash from auth.user_account where tenant_id = tap.tenant('newco') $$,
    $$ values ('ada@newco.example', 'Ada', 'admin', null::text) $$, 'and an administrator'
);
select results_eq(
    $$ select message ->> 'kind', message ->> 'tenant' from pgmq.q_notifications
    where message ->> 'to' = 'ada@newco.example' $$,
    $$ values ('invitation', 'newco') $$, 'who is told'
);
select tap.sign_in('acme', 'admin');
select throws_ok($$ select from api.tenants $$, '42501', null, 'a tenant''s admin lists no tenants');
select throws_ok($$ select api.create_tenant('x2', 'x', 'a@b.example', 'A') $$, '42501', null, 'nor makes any');

-- Settings.
select results_eq(
    $$ select * from api.update_tenant_settings(time_zone => 'America/St_Johns', reading_interval_seconds => 900) $$,
    $$ values ('acme', 'acme', 'America/St_Johns', 'EUR', 900, 1000::numeric, 'start') $$,
    'an admin changes settings; the rest stays'
);
select is((api.update_tenant_settings(currency => 'CAD')).currency, 'CAD', 'the currency too');
select results_eq(
    $$ select s.connection_kw, s.stamped
    from api.update_tenant_settings(connection_kw => 43.5, stamped => 'end') as s $$,
    $$ values (43.5, 'end') $$, 'and what readings may claim'
);
select throws_ok($$ select api.update_tenant_settings(connection_kw => 0) $$, 'PT422', null, 'no connection');
select throws_ok($$ select api.update_tenant_settings(connection_kw => 'NaN') $$, 'PT422', null, 'no number');
select throws_ok($$ select api.update_tenant_settings(stamped => 'middle') $$, 'PT422', null, 'no end of an interval');
select tap.sign_out();
select tap.close('acme', 'north', '2026-01-01 10:00Z', 1);
select tap.sign_in('acme', 'admin');
select throws_ok($$ select api.update_tenant_settings(currency => 'USD') $$, 'PT409', null, 'while no price is out');
select lives_ok($$ select api.update_tenant_settings('Acme', currency => 'CAD') $$, 'as it is, it is no change');
select throws_ok($$ select api.update_tenant_settings(time_zone => 'XYZ5') $$, 'PT422', null, 'no time zone');
select throws_ok($$ select api.update_tenant_settings(reading_interval_seconds => 0) $$, 'PT422', null, 'no interval');
select tap.sign_in('acme', 'alice');
select is((select name from api.tenant_settings), 'Acme', 'a consumer sees them');
select tap.sign_in('other', 'admin');
select is((select array_agg(time_zone) from api.tenant_settings), '{UTC}', 'the other tenant has its own');
select * from finish();
rollback;
