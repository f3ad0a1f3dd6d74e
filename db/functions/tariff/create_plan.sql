-- Security definer: segs_api, which calls it for an operator's own tenant, may read plans but not write them.
create function tariff.create_plan(
    tenant_id integer, region_id integer, name text, validity tstzrange,
    base_price numeric, max_multiplier numeric, high_load bigint
) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    created integer;
    other text;
begin
    -- One plan of a tenant at a time: two that overlap would else wait for each other.
    perform from grid.tenant as t where t.tenant_id = $1 for no key update;
    insert into tariff.plan (tenant_id, region_id, name, validity, base_price, max_multiplier, high_load)
    values ($1, $2, $3, $4, $5, $6, $7)
    returning plan_id into created;
    return created;
exception when exclusion_violation then
    select format('%s is valid from %s until %s', p.name,
        coalesce(nullif(lower(p.validity), '-infinity')::text, 'ever'),
        coalesce(nullif(upper(p.validity), 'infinity')::text, 'further notice'))
    into other
    from tariff.plan as p
    where p.tenant_id = $1 and p.region_id is not distinct from $2 and p.validity && $4
    order by p.validity
    limit 1;
    raise sqlstate 'PT409' using
        message = 'The plan overlaps with another one of the same region',
        detail = coalesce(other, 'The other plan was made a moment ago.'),
        hint = 'End that plan first (rpc/end_tariff_plan), or choose a time in which there is none.';
end;
$$;
revoke all on function tariff.create_plan(integer, integer, text, tstzrange, numeric, numeric, bigint) from public;
grant execute on function tariff.create_plan(integer, integer, text, tstzrange, numeric, numeric, bigint) to segs_api;
comment on function tariff.create_plan(integer, integer, text, tstzrange, numeric, numeric, bigint) is
'Adds a plan; a null region_id means every region without one of its own. PT409 when it overlaps with another.';
