-- Security definer: segs_api, which calls it for an operator's own tenant, may read meters but not write them.
create function grid.register_meters(tenant_id integer, meters jsonb)
returns table (code text, meter_id integer, created boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    unknown text;
    added integer[];
begin
    select string_agg(distinct coalesce(w.region, 'null'), ', ') into unknown
    from jsonb_to_recordset(register_meters.meters) as w (region text)
    where not exists (
        select from grid.region as r where r.tenant_id = register_meters.tenant_id and r.code = w.region
    );
    if unknown is not null then
        raise exception 'no such region: %', unknown
            using errcode = 'invalid_parameter_value', hint = 'Name a region of the tenant for every meter.';
    end if;

    with wanted as (
        select distinct on (w.meter_id) w.meter_id as code, r.region_id, w.kind, w.installed_at
        from jsonb_to_recordset(register_meters.meters)
            as w (meter_id text, region text, kind text, installed_at timestamptz)
        join grid.region as r on r.tenant_id = register_meters.tenant_id and r.code = w.region
        order by w.meter_id
    ),

    inserted as (
        insert into grid.meter (tenant_id, region_id, code, kind, installed_at)
        select register_meters.tenant_id, w.region_id, w.code, coalesce(w.kind, 'one_way'),
            coalesce(w.installed_at, now())
        from wanted as w
        on conflict (tenant_id, code) do nothing
        returning meter_id
    )

    select array_agg(i.meter_id) into added from inserted as i;

    return query
    select m.code, m.meter_id, a.meter_id is not null
    from grid.meter as m
    left join unnest(added) as a (meter_id) using (meter_id)
    where m.tenant_id = register_meters.tenant_id
      and m.code in (select w.meter_id from jsonb_to_recordset(register_meters.meters) as w (meter_id text))
    order by m.code;
end;
$$;

grant execute on function grid.register_meters(integer, jsonb) to segs_api;
comment on function grid.register_meters(integer, jsonb) is
'Registers meters ([{"meter_id", "region", "kind"?, "installed_at"?}]) of a tenant. Those already there stay '
'as they are.';
