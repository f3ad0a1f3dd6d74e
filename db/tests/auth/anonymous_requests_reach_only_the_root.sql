begin;
select plan(8);

select is(auth.claims(), '{}'::jsonb, 'no claims when the setting is absent');
select is(auth.tenant_id(), null, 'and so no tenant');
select is(auth.user_id(), null, 'and no user');
select set_config('request.jwt.claims', '', true);
select is(auth.claims(), '{}'::jsonb, 'no claims when the setting is empty');
select set_config('request.jwt.claims', '{"role": "anon"}', true);

set local role anon;
select set_config('request.path', '/', true);
select lives_ok($$ select auth.check_request() $$, 'the description at the root is public');
select set_config('request.path', '/meters', true);
select throws_ok($$ select auth.check_request() $$, 'PT401', 'This needs a token', 'everything else needs a token');
select throws_ok($$ select auth.tenant_id() $$, '42501', null, 'anon cannot ask for the tenant');
select throws_ok($$ select auth.sees_tenant() $$, '42501', null, 'nor what it sees');
reset role;
select * from finish();
rollback;
