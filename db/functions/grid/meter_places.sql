-- Security definer: segs_api, which asks for meters that its caller sees, may not read what was true before.
create function grid.meter_places(tenant_id integer, meter_id integer)
returns table (region_id integer, periods tstzmultirange)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with change as (
        select p.region_id, p.period from grid.meter_past as p where p.tenant_id = $1 and p.meter_id = $2
        union all
        select m.region_id,
            tstzrange((select max(upper(p.period)) from grid.meter_past as p where p.meter_id = m.meter_id), null)
        from grid.meter as m
        where m.tenant_id = $1 and m.meter_id = $2
    ),

    -- A window counts where the meter was at its start.
    aligned as (
        select c.region_id,
            tstzrange(
                grid.window_start(lower(c.period) + interval '14 minutes 59.999999 seconds'),
                grid.window_start(upper(c.period) + interval '14 minutes 59.999999 seconds')
            ) as period
        from change as c
    )

    select a.region_id, range_agg(a.period) from aligned as a group by a.region_id
$$;
revoke all on function grid.meter_places(integer, integer) from public;
grant execute on function grid.meter_places(integer, integer) to segs_api;
comment on function grid.meter_places(integer, integer) is
'The regions that a meter was in, and in which whole windows it was there.';
