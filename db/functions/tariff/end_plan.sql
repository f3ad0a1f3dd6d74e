-- Security definer: segs_api, which calls it for an operator's own tenant, may read plans but not write them.
create function tariff.end_plan(tenant_id integer, region_id integer, at timestamptz) returns integer
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    update tariff.plan as p
    set validity = tstzrange(lower(p.validity), $3, '[)')
    where
        p.tenant_id = $1 and p.region_id is not distinct from $2
        and p.validity @> $3 and lower(p.validity) is distinct from $3
    returning p.plan_id
$$;
revoke all on function tariff.end_plan(integer, integer, timestamptz) from public;
grant execute on function tariff.end_plan(integer, integer, timestamptz) to segs_api;
comment on function tariff.end_plan(integer, integer, timestamptz) is
'Ends the plan that holds at a time, then. Returns it; null when there is none to end.';
