-- Security definer: the caller ends plans of their own tenant and writes nothing else.
create function api.end_tariff_plan(region text default null, at timestamptz default now())
returns api.tariff_plans
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted_region integer;
    ended integer;
    answer api.tariff_plans;
begin
    select r.region_id into wanted_region from auth.visible_region as r where r.code = $1;
    if $1 is not null and wanted_region is null then
        perform tariff.refuse_unknown_region($1);
    end if;
    if $2 is null or $2 < now() or not isfinite($2) then
        raise sqlstate 'PT422' using
            message = 'A plan cannot end in the past',
            hint = 'Send a time from now on, or leave it out for now.';
    end if;
    ended := tariff.end_plan(auth.tenant_id(), wanted_region, $2);
    if ended is null then
        raise sqlstate 'PT404' using
            message = format('There is no plan of %s that holds then and began before', auth.said(coalesce($1, 'all regions'))),
            hint = 'GET /tariff_plans lists the plans.';
    end if;
    select r.code, p.name, nullif(lower(p.validity), '-infinity'), upper(p.validity), trim_scale(p.base_price),
        trim_scale(p.max_multiplier), trim_scale(p.high_load * 0.000001), t.currency::text
    into answer
    from tariff.plan as p
    join grid.tenant as t on t.tenant_id = p.tenant_id
    left join grid.region as r on r.region_id = p.region_id
    where p.plan_id = ended;
    return answer;
end;
$$;
revoke all on function api.end_tariff_plan(text, timestamptz) from public;
grant execute on function api.end_tariff_plan(text, timestamptz) to operator, admin;
comment on function api.end_tariff_plan(text, timestamptz) is
$$End a plan

Ends the plan of a region (left out: the one for every region without its own) that holds at a time (default now), then, and
returns it. 404: no such region, or no such plan; 422: in the past.$$;
