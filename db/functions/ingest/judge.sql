create function ingest.judge(tenant_ids integer[], readings jsonb[], at timestamptz)
returns setof ingest.judgement
language sql stable
as $$
    with given as materialized (
        select g.tenant_id, g.reading, g.place, ingest.shape_error(g.reading) as shape_error
        from unnest($1, $2) with ordinality as g (tenant_id, reading, place)
    ),

    shaped as materialized (
        select g.*, m.meter_id,
            case when g.shape_error is null then ingest.instant(g.reading ->> 'timestamp') end as ts,
            case when g.shape_error is null then ingest.energy(ingest.double(g.reading -> 'kwh')) end as energy
        from given as g
        left join grid.meter as m
            on g.shape_error is null
            and m.tenant_id = g.tenant_id and m.code = g.reading ->> 'meter_id' and m.retired_at is null
    )

    select s.place, s.tenant_id, s.reading, s.meter_id, s.ts,
        case when s.shape_error is null and j.code is null then s.energy::bigint end,
        case when s.shape_error is null then ingest.real_or_null(s.reading -> 'voltage') end,
        case when s.shape_error is null then ingest.real_or_null(s.reading -> 'current') end,
        case when s.shape_error is null then j.code else 'invalid_reading' end,
        coalesce(s.shape_error, j.message)
    from shaped as s
    cross join ingest.limits as l
    cross join lateral ingest.refusal(l, s.meter_id, s.ts, s.energy, $3) as j
$$;

comment on function ingest.judge(integer[], jsonb[], timestamptz) is
'Readings of tenants, each as a row or refused with code and message, as the HTTP worker judges them.';
