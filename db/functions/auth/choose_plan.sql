create function auth.choose_plan() returns void
language plpgsql volatile
as $$
begin
    -- Rollups are read meter by meter through an index, whatever is asked of them: their plan is the same for every
    -- value, and making it anew, with all chunks in it, takes longer than running it.
    if current_setting('request.path', true) like '/readings\_%' then
        perform set_config('plan_cache_mode', 'force_generic_plan', true);
    end if;
end;
$$;
revoke all on function auth.choose_plan() from public;
comment on function auth.choose_plan() is
'Has the request''s query run by the plan that the connection made for it once, where that plan suits every value.';
