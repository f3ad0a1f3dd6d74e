create function grid.close_window(tenant_id integer, window_start timestamptz, at timestamptz default now())
returns void
language plpgsql
set work_mem = '128MB'
as $$
begin
    insert into grid.region_load (tenant_id, region_id, window_start, revision, energy, meters, readings, closed_at)
    select close_window.tenant_id, r.region_id, close_window.window_start, 1,
        coalesce(sum(t.energy), 0), count(*) filter (where t.readings > 0), coalesce(sum(t.readings), 0), at
    from grid.region as r
    left join grid.window_totals(close_window.tenant_id, close_window.window_start) as t using (region_id)
    where r.tenant_id = close_window.tenant_id
    group by r.region_id
    order by r.region_id
    on conflict do nothing;

    perform alert.detect(close_window.tenant_id, close_window.window_start);
end;
$$;

comment on function grid.close_window (integer, timestamptz, timestamptz) is
'Writes the load of every region of a tenant in one sealed window (triggers price the next one) and detects alerts.';
