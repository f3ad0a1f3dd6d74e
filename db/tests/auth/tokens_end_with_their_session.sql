begin;
select plan(11);
select tap.make_tenant('acme');
update auth.user_account set verified_at = now();

create function pg_temp.check_as(claims jsonb) returns void
language plpgsql
as $$
begin
    perform set_config('request.jwt.claims', claims::text, true);
    perform auth.check_request();
end;
$$;
create function pg_temp.claims(owner text, sid text) returns jsonb
language sql
as $$ select tap.claims('acme', owner, 'consumer') || jsonb_build_object('sid', sid) $$;
select set_config('request.path', '/meters', true);
create temporary table opened as
select session_id::text as sid
from auth.open_session(tap.account('acme', 'alice'), null, sha256('t'), '1 day', null, null);

select lives_ok(format($$ select pg_temp.check_as(pg_temp.claims('alice', %L)) $$, sid), 'a live session passes')
from opened;
select
    throws_ok(
        format($$ select pg_temp.check_as(pg_temp.claims('operator', %L)) $$, sid), 'PT401', 'The session has ended',
        'another''s session does not'
    )
from opened;
select
    throws_ok(
        format($$ select pg_temp.check_as(pg_temp.claims('alice', %L)) $$, wrong), 'PT401', 'The session has ended',
        'nor does a made up one'
    )
from (values ('x'), ('00000000-0000-4000-8000-00000000ffff')) as w (wrong);
select auth.close_session(sha256('t'));
select
    throws_ok(
        format($$ select pg_temp.check_as(pg_temp.claims('alice', %L)) $$, sid), 'PT401', 'The session has ended',
        'after signing out it passes no more'
    )
from opened;
select
    throws_ok(
        format($$ select pg_temp.check_as(pg_temp.claims('alice', %L) || '{"role": "admin"}') $$, sid), 'PT401',
        'The session has ended', 'which is said before anything about the role'
    )
from opened;
update auth.user_account set disabled_at = now() where user_id = tap.account('acme', 'alice');
select
    throws_ok(
        format($$ select pg_temp.check_as(pg_temp.claims('alice', %L)) $$, sid), 'PT401',
        'The token''s user does not exist or is disabled', 'and after what is said about the user'
    )
from opened;
update auth.user_account set disabled_at = null where user_id = tap.account('acme', 'alice');

select lives_ok(
    $$ select pg_temp.check_as(tap.claims('acme', 'alice', 'consumer')) $$, 'a token made by hand passes in development'
);
update auth.policy set require_session = true;
select throws_ok(
    $$ select pg_temp.check_as(tap.claims('acme', 'alice', 'consumer')) $$, 'PT401', 'The session has ended',
    'and not in production'
);
update auth.policy set require_session = false;
select throws_ok(
    $$ select pg_temp.check_as(tap.claims('acme', 'alice', 'platform_admin')) $$, 'PT403', null,
    'nobody claims to be the platform''s administrator'
);
update auth.user_account set role = 'platform_admin' where user_id = tap.account('acme', 'alice');
select throws_ok(
    $$ select pg_temp.check_as(tap.claims('acme', 'alice', 'consumer')) $$, 'PT403', null,
    'and the administrator no role of a tenant'
);
select * from finish();
rollback;
