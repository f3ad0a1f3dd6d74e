create function auth.choose_plan() returns void
language plpgsql volatile
as $$
declare
    path constant text := coalesce(current_setting('request.path', true), '');
begin
    -- Rollups are read meter by meter through an index, whatever is asked of them, and so are a consumer's alerts:
    -- the plan is the same for every value, and making it anew takes longer than running it.
    if path like '/readings\_%' or path = '/alerts' and not auth.sees_tenant() then
        perform set_config('plan_cache_mode', 'force_generic_plan', true);
    end if;
end;
$$;
revoke all on function auth.choose_plan() from public;
comment on function auth.choose_plan() is
'Has the request''s query run by the plan that the connection made for it once, where that plan suits every value.';
