-- Security definer: segs_api, which calls it for an operator's own tenant, may read meters but not write them.
create function grid.register_meters(tenant_id integer, meters jsonb)
returns table (code text, meter_id integer, created boolean, differs text[])
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
        select distinct on (w.meter_id) w.meter_id as code, r.region_id, w.kind, w.installed_at, w.connection_kw
        from jsonb_to_recordset(register_meters.meters)
            as w (meter_id text, region text, kind text, installed_at timestamptz, connection_kw numeric)
        join grid.region as r on r.tenant_id = register_meters.tenant_id and r.code = w.region
        order by w.meter_id
    ),

    inserted as (
        insert into grid.meter (tenant_id, region_id, code, kind, installed_at, connection_kw)
        select register_meters.tenant_id, w.region_id, w.code, coalesce(w.kind, 'one_way'),
            coalesce(w.installed_at, now()), w.connection_kw
        from wanted as w
        on conflict (tenant_id, code) do nothing
        returning meter_id
    )

    select array_agg(i.meter_id) into added from inserted as i;

    return query
    select
        m.code, m.meter_id, m.meter_id = any (added) is true,
        array_remove(array[
            case when r.code <> w.region then 'region' end,
            case when m.kind <> w.kind then 'kind' end,
            case when m.installed_at <> w.installed_at then 'installed_at' end,
            case when m.connection_kw is distinct from coalesce(w.connection_kw, m.connection_kw) then 'connection_kw' end
        ], null)
    from (
        select distinct on (x.meter_id) x.*
        from jsonb_to_recordset(register_meters.meters)
            as x (meter_id text, region text, kind text, installed_at timestamptz, connection_kw numeric)
        order by x.meter_id
    ) as w
    join grid.meter as m on m.tenant_id = register_meters.tenant_id and m.code = w.meter_id
    join grid.region as r on r.region_id = m.region_id
    order by m.code;
end;
$$;

grant execute on function grid.register_meters(integer, jsonb) to segs_api;
comment on function grid.register_meters(integer, jsonb) is
'Registers meters ([{"meter_id", "region", "kind"?, "installed_at"?, "connection_kw"?}]) of a tenant. Those already '
'there stay as they are; differs names what of them was said otherwise.';
