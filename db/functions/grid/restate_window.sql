create function grid.restate_window(tenant_id integer, window_start timestamptz, at timestamptz default now())
returns integer
language plpgsql
as $$
declare
    added integer;
    judged grid.window_total[];
begin
    -- Two revisions made at once would each miss what the other's took out of the log.
    perform pg_advisory_xact_lock('grid.window_progress'::regclass::oid::bigint);
    -- A window from before the tenant's first begins with revision 2: revision 1 would publish a price for the past.
    with total as materialized (
        select t.* from grid.window_totals(restate_window.tenant_id, restate_window.window_start) as t
    ),

    counted as ( -- late readings that these sums hold: one snapshot, so exactly those
        delete from grid.late_window as l
        where l.tenant_id = restate_window.tenant_id and l.window_start = restate_window.window_start
        returning l.meter_id
    ),

    restated as (
        insert into grid.region_load (tenant_id, region_id, window_start, revision, energy, meters, readings, closed_at)
        select restate_window.tenant_id, n.region_id, restate_window.window_start, coalesce(o.revision, 1) + 1,
            n.energy, n.meters, n.readings, at
        from (
            select r.region_id, coalesce(sum(t.energy), 0)::bigint as energy,
                count(*) filter (where t.readings > 0) as meters, coalesce(sum(t.readings), 0) as readings
            from grid.region as r
            left join total as t using (region_id)
            where r.tenant_id = restate_window.tenant_id
            group by r.region_id
        ) as n
        left join lateral (
            select l.revision, l.energy, l.meters, l.readings
            from grid.region_load as l
            where l.region_id = n.region_id and l.window_start = restate_window.window_start
            order by l.revision desc
            limit 1
        ) as o on true
        -- A late reading of no energy still changes what the load was made from.
        where (n.energy, n.meters, n.readings) is distinct from (o.energy, o.meters, o.readings)
        order by n.region_id
        returning region_id
    )

    select
        (select count(*) from restated),
        (
            select array_agg(row(t.meter_id, t.region_id, t.readings, t.energy)::grid.window_total)
            from total as t
            where t.meter_id in (select c.meter_id from counted as c)
        )
    into added, judged;
    perform alert.review(tenant_id, window_start, judged, at);
    return added;
end;
$$;

comment on function grid.restate_window(integer, timestamptz, timestamptz) is
'Sums a closed window again and adds a revision for each region whose load changed; judges the meters again that were '
'late. Returns how many regions; prices stay.';
