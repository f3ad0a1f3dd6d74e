create function tariff.plan_at(region_id integer, at timestamptz) returns setof tariff.plan
language sql stable
as $$
    select p.*
    from grid.region as r
    join tariff.plan as p
        on p.tenant_id = r.tenant_id and (p.region_id = r.region_id or p.region_id is null) and p.validity @> $2
    where r.region_id = $1
    order by p.region_id nulls last
    limit 1
$$;
revoke all on function tariff.plan_at(integer, timestamptz) from public;
grant execute on function tariff.plan_at(integer, timestamptz) to segs_api;
comment on function tariff.plan_at(integer, timestamptz) is
'The plan that prices a region at a time: its own, else the one for every other region; none when nobody '
'planned for it.';
