-- One query, so that PostgreSQL inlines it into the statement that asks.
create function grid.meters_at(tenant_id integer, at timestamptz) returns table (
    meter_id integer, region_id integer, code text, kind text, in_service boolean
)
language sql stable
as $$
    select
        m.meter_id,
        coalesce(p.region_id, m.region_id),
        m.code,
        coalesce(p.kind, m.kind),
        -- Nothing is missed before a meter's first reading.
        m.installed_at <= $2 and coalesce(m.begins_at <= $2, false) and not coalesce(p.retired, false)
        and (m.retired_at is null or m.retired_at >= $2 + interval '15 minutes')
    from grid.meter as m
    left join grid.meter_past as p on p.meter_id = m.meter_id and p.period @> $2
    where m.tenant_id = $1
$$;
revoke all on function grid.meters_at(integer, timestamptz) from public;
comment on function grid.meters_at(integer, timestamptz) is
'A tenant''s meters as they were when a window began: where each stood, of what kind it was, and whether it was in '
'service all through it: installed, not retired, and known to send.';
