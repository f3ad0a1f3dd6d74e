-- One query, so that PostgreSQL inlines it into the statement that asks, whose plan is then kept.
create function tariff.plan_at(tenant_id integer, region_id integer, at timestamptz) returns setof tariff.plan
language sql stable
as $$
    select p.*
    from tariff.plan as p
    where p.tenant_id = $1 and (p.region_id = $2 or p.region_id is null) and p.validity @> $3
    order by p.region_id nulls last
    limit 1
$$;
revoke all on function tariff.plan_at(integer, integer, timestamptz) from public;
grant execute on function tariff.plan_at(integer, integer, timestamptz) to segs_api;
comment on function tariff.plan_at(integer, integer, timestamptz) is
'The plan that prices a tenant''s region at a time: its own, else the one for every other region; none when nobody '
'planned for it.';
