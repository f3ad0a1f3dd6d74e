begin;
select plan(55);
select tap.make_tenant('acme');
select tap.make_tenant('other');
create function pg_temp.session_of(tenant_code text, owner text) returns uuid
language sql
as $$
    insert into auth.session (tenant_id, user_id, expires_at)
    values (tap.tenant(tenant_code), tap.account(tenant_code, owner), now() + interval '1 day')
    returning session_id
$$;
create temp table known as
select t.code, u.name, tap.account(t.code, u.name) as id, pg_temp.session_of(t.code, u.name) as session_id
from (values ('acme'), ('other')) as t (code), (values ('admin'), ('operator'), ('alice'), ('bob')) as u (name);
grant select on known to public;
create function pg_temp.id(owner text, tenant_code text default 'acme') returns uuid
language sql
as $$
    select k.id from known as k where k.code = tenant_code and k.name = owner
$$;
-- Security definer: the roles that the test signs in as may not read sessions.
create function pg_temp.live(owner text, tenant_code text default 'acme') returns boolean
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    select auth.session_live(k.session_id) from known as k where k.code = tenant_code and k.name = owner
$$;

-- Who may not.
select
    tap.sign_in('acme', who), throws_ok(format(
        'select api.%s', call
    ), '42501', null, format('%s: no %s', who, call))
from (values ('alice'), ('operator')) as w (who), (
    values ('change_role(pg_temp.id(''bob''), ''admin'')'), ('deactivate_user(pg_temp.id(''bob''))'),
    ('reactivate_user(pg_temp.id(''bob''))'), ('delete_user(pg_temp.id(''bob''))'),
    ('assign_meter(''M-3'', ''bob@acme.example'')'), ('unassign_meter(''M-1'')'), ('create_device_token(''x'')'),
    ('revoke_device_token(pg_temp.id(''bob''))'), ('update_tenant_settings(''x'')')
) as c (call);

-- Roles.
select tap.sign_in('acme', 'admin');
select ok(pg_temp.live('alice'), 'alice is signed in');
select is((api.change_role(pg_temp.id('alice'), 'operator')).role, 'operator', 'an admin changes a role');
select ok(not pg_temp.live('alice'), 'which ends her sessions');
select lives_ok($$ select api.change_role(pg_temp.id('bob'), 'consumer') $$, 'the same role again');
select ok(pg_temp.live('bob'), 'ends none');
select throws_ok(
    $$ select api.change_role(pg_temp.id('bob', 'other'), 'admin') $$, 'PT404',
    format('There is no user %s', pg_temp.id('bob', 'other')), 'another tenant''s user is not there'
);
select throws_ok(
    $$ select api.change_role(pg_temp.id('bob'), 'platform_admin') $$, 'PT422', null, 'nobody gets to the platform'
);
select throws_ok($$ select api.change_role(pg_temp.id('bob'), null) $$, 'PT422', null, 'nor nothing');
select throws_ok(
    $$ select api.change_role(pg_temp.id('admin'), 'consumer') $$, 'PT409',
    'The last administrator of a tenant stays', 'the last admin stays one'
);
select throws_ok($$ select api.deactivate_user(pg_temp.id('admin')) $$, 'PT409', null, 'and in use');
select throws_ok($$ select api.delete_user(pg_temp.id('admin')) $$, 'PT409', null, 'and is not deleted');

-- Deactivation.
select isnt((api.deactivate_user(pg_temp.id('bob'))).disabled_at, null, 'an admin deactivates a user');
select ok(not pg_temp.live('bob'), 'which ends their sessions');
select is((api.reactivate_user(pg_temp.id('bob'))).disabled_at, null, 'and takes them into use again');
select throws_ok($$ select api.deactivate_user(pg_temp.id('bob', 'other')) $$, 'PT404', null, 'only in the tenant');
select ok(pg_temp.live('bob', 'other'), 'where nobody else is touched');

-- Meters.
select results_eq(
    $$ select meter_id, region, user_email, owned_from, owned_until
    from api.assign_meter('M-3', 'BOB@acme.example', '2026-01-01Z', '2026-02-01Z') $$,
    $$ values ('M-3', 'east', 'bob@acme.example', '2026-01-01Z'::timestamptz, '2026-02-01Z'::timestamptz) $$,
    'an admin assigns a meter for a time'
);
select is((api.assign_meter('M-3', pg_temp.id('alice')::text, '2026-02-01Z')).user_name, 'alice', 'the next by id');
select throws_ok(
    $$ select api.assign_meter('M-3', 'bob@acme.example', '2026-01-31Z', '2026-02-02Z') $$, 'PT409',
    'The meter has another owner in that time', 'an overlap is refused'
);
select throws_ok(
    $$ select api.assign_meter('M-3', 'bob@other.example') $$, 'PT404', 'There is no user bob@other.example',
    'another tenant''s user is not there'
);
select throws_ok($$ select api.assign_meter('M-9', 'bob@acme.example') $$, 'PT404', null, 'nor an unknown meter');
select throws_ok(
    $$ select api.assign_meter('M-4', 'bob@acme.example', '2026-02-01Z', '2026-01-01Z') $$, 'PT422', null, 'backwards'
);
select is(
    (api.unassign_meter('M-3', '2026-03-01Z')).owned_until, '2026-03-01Z'::timestamptz, 'an ownership is ended'
);
select throws_ok(
    $$ select api.unassign_meter('M-3', '2026-03-01Z') $$, 'PT409', 'Nobody owns the meter at that time', 'once'
);
select lives_ok($$ select api.unassign_meter('M-3', '2026-02-01Z') $$, 'one that would last no time');
select is((select count(*) from api.meter_ownerships where meter_id = 'M-3'), 1::bigint, 'is removed');
select tap.sign_in('other', 'admin');
select is((select array_agg(user_email order by 1) from api.meter_ownerships), array[
    'alice@other.example', 'bob@other.example'
], 'the other tenant has its own');

-- Deletion: nothing of the person is left, everything of the grid is.
select tap.sign_out();
update auth.user_account set phone = '+4930123456', password_hash = 'x', preferences = '{"a": 1}'
where user_id = pg_temp.id('bob');
select tap.read('acme', 'M-2', '2026-01-01Z', 1);
select notify.queue_mail('verify_code', pg_temp.id('bob'), '{"code": "123456"}');
select tap.sign_in('acme', 'bob');
select api.set_threshold('M-2', 3);
select tap.sign_in('acme', 'admin');
select lives_ok($$ select api.delete_user(pg_temp.id('bob')) $$, 'an admin deletes a user');
select is((select count(*) from api.users where user_id = pg_temp.id('bob')), 0::bigint, 'who is gone');
select throws_ok($$ select api.delete_user(pg_temp.id('bob')) $$, 'PT404', null, 'once');
select throws_ok($$ select api.assign_meter('M-4', pg_temp.id('bob')::text) $$, 'PT404', null, 'and owns nothing more');
select is((select count(*) from api.readings where meter_id = 'M-2'), 1::bigint, 'the readings stay');
select results_eq(
    $$ select user_name, owned_from, owned_until = now() from api.meter_ownerships where meter_id = 'M-2' $$,
    $$ values ('Deleted user', '2020-01-01Z'::timestamptz, true) $$, 'and the period, without a name'
);
select tap.sign_out();
select results_eq(
    $$ select email ~ '^deleted-.*@deleted.invalid$', name, phone, password_hash, preferences, verified_at
    from auth.user_account where user_id = pg_temp.id('bob') $$,
    $$ values (true, 'Deleted user', null::text, null::text, '{}'::jsonb, null::timestamptz) $$, 'no personal data'
);
select is((select count(*) from auth.session where user_id = pg_temp.id('bob')), 0::bigint, 'no session');
select is((select count(*) from alert.rule where user_id = pg_temp.id('bob')), 0::bigint, 'no threshold');
select is(
    (select count(*) from pgmq.q_notifications where message ->> 'user_id' = pg_temp.id('bob')::text), 0::bigint,
    'no mail on its way'
);
select * from finish();
rollback;
