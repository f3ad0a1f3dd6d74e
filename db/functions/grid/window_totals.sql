create function grid.window_totals(tenant_id integer, window_start timestamptz)
returns table (meter_id integer, region_id integer, readings bigint, energy bigint)
language sql stable
as $$
    select m.meter_id, m.region_id, count(r.ts), coalesce(sum(r.energy), 0)::bigint
    from grid.meter as m
    left join grid.reading as r
        on r.meter_id = m.meter_id
        and r.ts >= window_totals.window_start
        and r.ts < window_totals.window_start + interval '15 minutes'
    where m.tenant_id = window_totals.tenant_id
    group by m.meter_id
    having count(r.ts) > 0
        or (m.installed_at <= window_totals.window_start
            and (m.retired_at is null or m.retired_at >= window_totals.window_start + interval '15 minutes'));
$$;

comment on function grid.window_totals (integer, timestamptz) is
'Readings and energy (mWh) of a window for each meter of a tenant that sent any, or was installed all the while and did
not (readings 0).';
