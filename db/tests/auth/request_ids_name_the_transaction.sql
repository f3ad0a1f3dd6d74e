begin;
select plan(6);

select set_config('request.path', '/', true);
select set_config('request.headers', '{"x-request-id": "4f1c-17.a_B"}', true);
set local role anon;
select auth.check_request();
select is(current_setting('application_name'), 'postgrest 4f1c-17.a_B', 'the request id is in application_name');
select is(current_setting('segs.request_id'), '4f1c-17.a_B', 'and in a setting');

select set_config('segs.request_id', '', true), set_config('application_name', 'before', true);
select set_config('request.headers', '{"x-request-id": "two words''; drop"}', true);
select auth.check_request();
select is(current_setting('application_name'), 'before', 'what is no id is not taken');
select set_config('request.headers', '{"accept": "*/*"}', true);
select lives_ok($$ select auth.check_request() $$, 'a request without an id is served');
select set_config('request.headers', '', true);
select lives_ok($$ select auth.check_request() $$, 'and one without headers');
select is(current_setting('segs.request_id'), '', 'neither leaves an id');
reset role;
select * from finish();
rollback;
