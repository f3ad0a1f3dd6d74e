-- One expression, so that PostgreSQL inlines it.
create function auth.one_plan_fits(path text, staff boolean) returns boolean
language sql immutable parallel safe
as $$
    -- Rollups are read meter by meter through an index, whatever is asked of them, and so are a consumer's alerts and
    -- what a bill is made of: the plan is the same for every value, and making it anew takes longer than running it.
    select path like '/readings\_%' or path like '/rpc/estimate%' or path = '/alerts' and not staff
$$;
revoke all on function auth.one_plan_fits(text, boolean) from public;
comment on function auth.one_plan_fits(text, boolean) is
'Whether a request for this path is best run by the plan that the connection made for it once.';
