begin;
select plan(13);
select tap.make_tenant('acme');
select tap.make_tenant('other');
create temporary table caller on commit drop as
select
    t.code, p.name, t.tenant_id, tap.account(t.code, p.name) as user_id,
    tap.claims(t.code, p.name, 'consumer') as claims
from grid.tenant as t cross join unnest(array['alice', 'bob']) as p (name)
where t.code in ('acme', 'other');
grant select on caller to public;
create function pg_temp.caller(code text, name text) returns caller
language sql
as $$
    select c.* from caller as c where c.code = $1 and c.name = $2
$$;
create function pg_temp.claim(claims jsonb) returns void
language sql
as $$
    select set_config('request.jwt.claims', claims::text, true)
$$;

select tap.sign_in('acme', 'alice');
select is(
    (current_setting('segs.tenant_id')::integer, current_setting('segs.user_id')::uuid),
    ((pg_temp.caller('acme', 'alice')).tenant_id, (pg_temp.caller('acme', 'alice')).user_id),
    'the check notes tenant and user'
);
select is(auth.noted('segs.tenant_id'), (pg_temp.caller('acme', 'bob')).tenant_id::text, 'for these claims');
select is(auth.tenant_id(), (pg_temp.caller('acme', 'bob')).tenant_id, 'which is what policies are told');
select is(auth.user_id(), (pg_temp.caller('acme', 'alice')).user_id, 'of the user too');

select pg_temp.claim((pg_temp.caller('other', 'bob')).claims);
select is(auth.noted('segs.tenant_id'), null, 'other claims: nothing is noted');
select is(auth.tenant_id(), (pg_temp.caller('other', 'bob')).tenant_id, 'so their tenant is looked up');
select is(auth.user_id(), (pg_temp.caller('other', 'bob')).user_id, 'and their user');
select is(
    (select array_agg(distinct meter_id) from api.meters), '{M-2}', 'they see their meters, not those of who was noted'
);

select set_config('request.jwt.claims', '', true);
select is((auth.tenant_id(), auth.user_id()), (null::integer, null::uuid), 'no claims: nobody');

select tap.sign_out();
select throws_ok(
    $$ select pg_temp.claim((pg_temp.caller('acme', 'alice')).claims - 'iss'), auth.check_request() $$,
    'PT401', null, 'a token that is refused'
);
select pg_temp.claim((pg_temp.caller('acme', 'alice')).claims - 'iss');
select is(auth.noted('segs.tenant_id'), null, 'is not noted');

select set_config('segs.tenant_id', (pg_temp.caller('other', 'bob')).tenant_id::text, true);
select tap.sign_in('acme', 'bob');
select is(auth.tenant_id(), (pg_temp.caller('acme', 'bob')).tenant_id, 'the check overwrites what was set');
select pg_temp.claim((pg_temp.caller('acme', 'bob')).claims || '{"sub": "a meter"}');
select is(auth.user_id(), null, 'a sub that is no user');
select * from finish();
rollback;
