begin;
select plan(43);
select tap.make_tenant('acme');

create function pg_temp.check_as(claims jsonb) returns void
language plpgsql
as $$
begin
    perform set_config('request.jwt.claims', coalesce(claims::text, ''), true);
    perform auth.check_request();
end;
$$;
create function pg_temp.operator(change jsonb default '{}') returns jsonb
language sql
as $$
    select tap.claims('acme', 'operator', 'operator') || change
$$;
select set_config('request.path', '/meters', true);

select lives_ok($$ select pg_temp.check_as(pg_temp.operator()) $$, 'a complete token passes');
select lives_ok($$ select pg_temp.check_as(pg_temp.operator('{"aud": ["x", "segs"]}')) $$, 'aud may be a list');
select
    lives_ok(
        $$ select pg_temp.check_as(pg_temp.operator('{"role": "consumer"}')) $$, 'a role below the user''s passes'
    );
select lives_ok($$ select pg_temp.check_as(tap.claims('acme', 'alice', 'consumer')) $$, 'a consumer passes');

select
    set_config('request.method', method, true), throws_ok(
        $$ select pg_temp.check_as(pg_temp.operator()) $$, 'PT405', '/meters can only be read', method || ' is refused'
    )
from unnest(array['POST', 'PATCH', 'PUT', 'DELETE']) as method;
select set_config('request.method', 'GET', true);
select lives_ok($$ select pg_temp.check_as(pg_temp.operator()) $$, 'GET passes');
select set_config('request.method', 'POST', true), set_config('request.path', '/rpc/resolve_alert', true);
select lives_ok($$ select pg_temp.check_as(pg_temp.operator()) $$, 'and so does calling a function');

select
    throws_ok(
        format($$ select pg_temp.check_as(pg_temp.operator() - %L) $$, claim),
        'PT401', format('The token''s claim %s is missing or not valid here', claim), format('%s is required', claim)
    )
from unnest(array['iss', 'aud', 'exp', 'sub', 'tenant', 'role']) as claim;
select
    throws_ok(
        format($$ select pg_temp.check_as(pg_temp.operator(%L)) $$, jsonb_build_object(claim, value)),
        'PT401',
        format('The token''s claim %s is missing or not valid here', claim),
        format('%s %s is refused', claim, value)
    )
from (
    values
    ('iss', '"someone"'::jsonb), ('aud', '"other"'), ('aud', '[]'), ('exp', '"soon"'), ('exp', 'null'),
    ('sub', '""'), ('tenant', '""'), ('tenant', 'null'), ('role', '"segs_owner"')
) as wrong (claim, value);
-- Times, to the microsecond: now() stands still in here.
create function pg_temp.operator_at(claim text, seconds numeric) returns jsonb
language sql
as $$
    select pg_temp.operator(jsonb_build_object(claim, extract(epoch from now()) + seconds))
$$;
select lives_ok(format($$ select pg_temp.check_as(pg_temp.operator_at(%L, %s)) $$, claim, seconds), claim || ' is good')
from (
    values ('exp', 0.000001), ('iat', 10), ('nbf', 10), ('iat', -1e6), ('exp', 1e100)
) as good (claim, seconds);
select
    throws_ok(
        format($$ select pg_temp.check_as(pg_temp.operator_at(%L, %s)) $$, claim, seconds),
        'PT401', message, format('%s %s is refused', claim, seconds)
    )
from (
    values
    ('exp', 0, 'The token has expired'), ('exp', -25, 'The token has expired'),
    ('exp', -1e100, 'The token has expired'),
    ('iat', 10.000001, 'The token is not good yet'), ('nbf', 10.000001, 'The token is not good yet')
) as wrong (claim, seconds, message);
select throws_ok(
    $$ select pg_temp.check_as(pg_temp.operator('{"iat": "1"}')) $$,
    'PT401', 'The token''s claim iat or nbf is not a number', 'iat in words is refused'
);
select throws_ok(
    $$ select pg_temp.check_as(pg_temp.operator('{"tenant": "nobody"}')) $$,
    'PT401', 'The token names a tenant that does not exist', 'an unknown tenant is refused'
);
select throws_ok(
    $$ select pg_temp.check_as(pg_temp.operator('{"sub": "otto"}')) $$,
    'PT401', 'The token''s user does not exist or is disabled', 'a sub that is no user is refused'
);
select throws_ok(
    $$ select pg_temp.check_as(pg_temp.operator('{"role": "admin"}')) $$,
    'PT403', 'The token claims the role admin, which its user does not have', 'a role above the user''s is refused'
);
select throws_ok(
    $$ select pg_temp.check_as(pg_temp.operator('{"role": "device", "sub": "gateway-1"}')) $$,
    'PT403', 'A device token may only send readings', 'a device is sent to the ingest worker'
);
select tap.make_tenant('other');
select throws_ok(
    $$ select pg_temp.check_as(pg_temp.operator('{"tenant": "other"}')) $$,
    'PT401', 'The token''s user does not exist or is disabled', 'a user of another tenant is refused'
);
update auth.user_account set disabled_at = now() where user_id = tap.account('acme', 'operator');
select throws_ok(
    $$ select pg_temp.check_as(pg_temp.operator()) $$,
    'PT401', 'The token''s user does not exist or is disabled', 'a disabled user is refused'
);
select throws_ok(
    $$ select pg_temp.check_as(null) $$, 'PT401', 'This needs a token', 'empty claims are no token'
);
select * from finish();
rollback;
