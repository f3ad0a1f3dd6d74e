begin;
select plan(17);
select tap.make_tenant('acme');
insert into auth.user_account (tenant_id, email, name, role, verified_at)
select t.tenant_id, n || '@acme.example', n, 'admin', now()
from grid.tenant as t
cross join unnest(array['demoted', 'disabled', 'deleted', 'stays']) as n
where t.code = 'acme';
create function pg_temp.id(name text) returns text
language sql
as $$ select user_id::text from auth.user_account where email = id.name || '@acme.example' $$;
create function pg_temp.as_admin(name text) returns void
language plpgsql
as $$
begin
    perform tap.sign_out();
    perform set_config('request.jwt.claims', (
        tap.claims('acme', 'admin', 'admin') || jsonb_build_object('sub', pg_temp.id(name))
    )::text, true);
    perform set_config('role', 'admin', true);
    perform auth.check_request();
end;
$$;
create temp table ids as
select u.name, u.user_id from auth.user_account as u join grid.tenant as t using (tenant_id) where t.code = 'acme';
create temp table made (maker text, token text);
grant select on ids to public;
grant select, insert on made to public;
select pg_temp.as_admin(n) from unnest(array['demoted']) as n;
insert into made select 'demoted', d.token from api.create_device_token('by demoted') as d;
select pg_temp.as_admin('disabled');
insert into made select 'disabled', d.token from api.create_device_token('by disabled') as d;
select pg_temp.as_admin('deleted');
insert into made select 'deleted', d.token from api.create_device_token('by deleted') as d;
select pg_temp.as_admin('stays');
insert into made select 'stays', d.token from api.create_device_token('by stays') as d;

select results_eq(
    $$ select name, created_by_is from api.devices order by name $$,
    $$ values ('by deleted', 'admin'), ('by demoted', 'admin'), ('by disabled', 'admin'), ('by stays', 'admin') $$,
    'at first every maker is an administrator'
);
select lives_ok(
    $$ select api.change_role((select user_id from ids where name = 'demoted'), 'consumer') $$, 'one is demoted'
);
select lives_ok(
    $$ select api.deactivate_user((select user_id from ids where name = 'disabled')) $$, 'one is deactivated'
);
select lives_ok($$ select api.delete_user((select user_id from ids where name = 'deleted')) $$, 'one is deleted');
select results_eq(
    $$ select name, created_by, created_by_is from api.devices order by name $$,
    $$ values ('by deleted', 'Deleted user', 'deleted'), ('by demoted', 'demoted', 'consumer'),
        ('by disabled', 'disabled', 'deactivated'), ('by stays', 'stays', 'admin') $$,
    'the list says what they are now'
);
select results_eq(
    $$ select name from api.devices where created_by_is <> 'admin' and revoked_at is null order by name $$,
    $$ values ('by deleted'), ('by demoted'), ('by disabled') $$, 'those to look at are found'
);
select tap.sign_out();
select is(
    (select count(d.tenant) from made as m cross join lateral ingest.device(sha256(m.token::bytea)) as d), 4::bigint,
    'the gateways go on sending'
);
select results_eq(
    $$ select distinct message ->> 'to', message -> 'data' ->> 'tokens' from pgmq.q_notifications
       where message ->> 'kind' = 'devices_remain' and message ->> 'to' = 'stays@acme.example' $$,
    $$ values ('stays@acme.example', '1') $$, 'the administrator who stays is told'
);
select is(
    (
        select count(*) from pgmq.q_notifications
        where message ->> 'kind' = 'devices_remain' and message ->> 'to' = 'stays@acme.example'
    ), 3::bigint, 'of each'
);
select is_empty(
    $$ select message from pgmq.q_notifications
       where message ->> 'kind' = 'devices_remain' and message ->> 'to' ~ 'consumer|operator|alice|other' $$,
    'and nobody else'
);
select pg_temp.as_admin('stays');
select
    lives_ok(
        $$ select api.revoke_device_token(device_id) from api.devices where created_by_is = $$ || quote_literal(state),
        'tokens of who is ' || state || ' can be revoked'
    )
from unnest(array['deleted', 'deactivated', 'consumer']) as state;
select is_empty(
    $$ select name from api.devices where created_by_is <> 'admin' and revoked_at is null $$, 'none is left'
);
select lives_ok(
    $$ select api.change_role((select user_id from ids where name = 'demoted'), 'admin') $$, 'who is promoted again'
);
select is(
    (select created_by_is from api.devices where name = 'by demoted'), 'admin', 'is an administrator again'
);
select tap.sign_out();
select is(
    (
        select count(*) from pgmq.q_notifications
        where message ->> 'kind' = 'devices_remain' and message ->> 'to' = 'stays@acme.example'
    ), 3::bigint, 'and nobody is told again'
);
select * from finish();
rollback;
