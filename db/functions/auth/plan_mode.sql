-- One expression, so that PostgreSQL inlines it.
create function auth.plan_mode(path text, staff boolean) returns text
language sql immutable parallel safe
as $$
    select case
        -- Rollups are read meter by meter through an index, whatever is asked of them, and so is what a bill is made
        -- of; open alerts have an index of their own; a consumer's alerts are few. The plan is the same for every
        -- value, and making it again takes longer than running it.
        when
            path like '/readings\_%' or path like '/rpc/estimate%' or path = '/open_alerts'
            or path = '/alerts' and not staff
            then 'force_generic_plan'
        -- Of a tenant's alerts few are open, and an index has those alone: only a plan for the very filter uses it
        -- (or api.open_alerts, which has the filter in it).
        when path = '/alerts' then 'force_custom_plan'
    end
$$;
revoke all on function auth.plan_mode(text, boolean) from public;
comment on function auth.plan_mode(text, boolean) is
'Setting plan_cache_mode for requests of a path: whether they are best run by the plan that the connection made once, '
'or by one for their own values. Null: PostgreSQL decides.';
