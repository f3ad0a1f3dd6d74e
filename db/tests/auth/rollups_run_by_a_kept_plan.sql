begin;
select plan(6);
select tap.make_tenant('acme');
select tap.sign_in('acme', 'alice');

create function pg_temp.mode_of(path text) returns text
language plpgsql
as $$
begin
    perform set_config('plan_cache_mode', 'auto', true), set_config('request.path', path, true);
    perform auth.check_request();
    return current_setting('plan_cache_mode');
end;
$$;
select is(pg_temp.mode_of('/readings_15m'), 'force_generic_plan', 'a rollup: one plan for every meter and time');
select is(pg_temp.mode_of('/rpc/estimate_bill'), 'force_generic_plan', 'an estimate: one meter or region');
select is(pg_temp.mode_of('/readings'), 'auto', 'raw readings: as the planner finds best');
select is(pg_temp.mode_of('/alerts'), 'force_generic_plan', 'one''s own alerts: found by meter, whatever the filter');
select tap.sign_in('acme', 'operator');
select is(pg_temp.mode_of('/alerts'), 'force_custom_plan', 'a tenant''s: the filter decides how');
select is(pg_temp.mode_of('/open_alerts'), 'force_generic_plan', 'the open ones: the view has the filter');
select * from finish();
rollback;
