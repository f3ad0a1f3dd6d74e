create function ingest.store(
    source text, tenant_ids integer[], readings jsonb[], at timestamptz,
    out accepted integer, out duplicates integer, out rejected integer
)
language sql
as $$
    with given as materialized (
        select g.tenant_id, g.reading, g.position, ingest.shape_error(g.reading) as shape_error
        from unnest(store.tenant_ids, store.readings) with ordinality as g (tenant_id, reading, position)
    ),

    shaped as materialized (
        select g.tenant_id, g.reading, g.position, m.meter_id,
            case when g.shape_error is null then (g.reading ->> 'timestamp')::timestamptz end as ts,
            case when g.shape_error is null then (g.reading ->> 'kwh')::numeric end as kwh
        from given as g
        left join grid.meter as m
            on m.tenant_id = g.tenant_id and m.code = g.reading ->> 'meter_id' and m.retired_at is null
        where g.shape_error is null
    ),

    judged as materialized (
        select s.*, j.code, j.message
        from shaped as s
        cross join ingest.limits as l
        cross join lateral ingest.refusal(l, s.meter_id, s.ts, s.kwh, store.at) as j
    ),

    stored as (
        insert into grid.reading (ts, meter_id, energy, voltage, current)
        select distinct on (j.meter_id, j.ts) j.ts, j.meter_id, ingest.energy(j.kwh),
            ingest.real_or_null(j.reading -> 'voltage'), ingest.real_or_null(j.reading -> 'current')
        from judged as j
        where j.code is null
        order by j.meter_id, j.ts, j.position -- the first of a time counts
        on conflict do nothing
        returning meter_id
    ),

    quarantined as (
        insert into ingest.quarantine (tenant_id, received_at, source, code, message, reading)
        select j.tenant_id, store.at, store.source, j.code, j.message, j.reading
        from judged as j
        where j.code is not null
    ),

    counted as (
        select g.tenant_id, count(*) as given, coalesce(j.good, 0) as good, coalesce(s.stored, 0) as stored,
            j.first_ts, j.last_ts
        from given as g
        left join (
            select o.tenant_id, count(*) as good, min(o.ts) as first_ts, max(o.ts) as last_ts
            from judged as o where o.code is null group by o.tenant_id
        ) as j using (tenant_id)
        left join (
            select m.tenant_id, count(*) as stored
            from stored as o join grid.meter as m using (meter_id) group by m.tenant_id
        ) as s using (tenant_id)
        group by g.tenant_id, j.good, s.stored, j.first_ts, j.last_ts
    ),

    logged as (
        insert into ingest.batch
            (tenant_id, received_at, source, accepted, duplicates, rejected, first_ts, last_ts)
        select c.tenant_id, store.at, store.source, c.stored, c.good - c.stored, c.given - c.good,
            c.first_ts, c.last_ts
        from counted as c
        returning accepted, duplicates, rejected
    )

    select coalesce(sum(l.accepted), 0)::integer, coalesce(sum(l.duplicates), 0)::integer,
        coalesce(sum(l.rejected), 0)::integer
    from logged as l;
$$;

comment on function ingest.store(text, integer[], jsonb[], timestamptz) is
'Takes readings in, as the ingest worker does: stores the good, counts duplicates, quarantines the refused, '
'logs the batch.';
