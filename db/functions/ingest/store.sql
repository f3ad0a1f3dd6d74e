create function ingest.store(
    source text, tenant_ids integer[], readings jsonb[], stamped text[], at timestamptz
)
returns table (place bigint, outcome text, code text, message text)
language plpgsql
as $$
#variable_conflict use_column
declare
    judged ingest.judgement[] := array(select j from ingest.judge($2, $3, $4, $5) as j);
    stored bigint[];
begin
    with firsts as materialized (
        select distinct on (j.meter_id, j.ts) j.*
        from unnest(judged) as j
        where j.code is null
        order by j.meter_id, j.ts, j.place
    ),

    spaced as (
        select f.*, l.min_spacing,
            coalesce(f.ts - lag(f.ts) over (partition by f.meter_id order by f.ts) >= l.min_spacing, true) as apart
        from firsts as f
        cross join ingest.limits as l
    ),

    inserted as (
        insert into grid.reading (ts, meter_id, energy, voltage, current)
        select f.ts, f.meter_id, f.energy, f.voltage, f.current
        from spaced as f
        where f.apart and coalesce((
            select false from grid.reading as r
            where r.meter_id = f.meter_id and r.ts > f.ts - f.min_spacing and r.ts < f.ts + f.min_spacing
              and r.part_of is null
            limit 1
        ), true)
        order by f.meter_id, f.ts
        on conflict do nothing
        returning meter_id, ts
    )

    select coalesce(array_agg(f.place), '{}') into stored from firsts as f join inserted using (meter_id, ts);

    -- A statement of its own: its snapshot sees what another transaction stored meanwhile.
    judged := array(
        select row(
            j.place, j.tenant_id, j.reading, j.meter_id, j.ts, j.energy, j.voltage, j.current,
            case when not c.conflict then j.code when there.energy is null then 'too_close' else 'conflict' end,
            case
                when not c.conflict then j.message
                when there.energy is null
                    then format('another reading of the meter is less than %s away', ingest.words(l.min_spacing))
                else 'another value is stored for this meter and time'
            end
        )::ingest.judgement
        from unnest(judged) as j
        cross join ingest.limits as l
        left join lateral (
            select coalesce(r.whole, r.energy) as energy from grid.reading as r where r.meter_id = j.meter_id and r.ts = j.ts limit 1
        ) as there on j.code is null
        cross join lateral (select j.code is null and j.energy is distinct from there.energy) as c (conflict)
    );

    if $1 <> 'replay' then -- what is replayed is kept already
        perform ingest.keep_refused(
            $1, array_agg(j.tenant_id), array_agg(j.code), array_agg(j.message), array_agg(j.reading),
            array_agg($4[j.place]), $5
        )
        from unnest(judged) as j where j.code is not null having count(*) > 0;
    end if;

    insert into ingest.batch (tenant_id, received_at, source, accepted, duplicates, rejected, first_ts, last_ts)
    select j.tenant_id, $5, $1,
        count(*) filter (where j.place = any (stored)),
        count(*) filter (where j.code is null and j.place <> all (stored)),
        count(*) filter (where j.code is not null),
        min(j.ts) filter (where j.place = any (stored)), max(j.ts) filter (where j.place = any (stored))
    from unnest(judged) as j
    group by j.tenant_id;

    return query
    select j.place,
        case when j.code is not null then 'refused' when j.place = any (stored) then 'accepted' else 'duplicate' end,
        j.code, j.message
    from unnest(judged) as j
    order by j.place;
end;
$$;

comment on function ingest.store(text, integer[], jsonb[], text[], timestamptz) is
'Takes readings in, as the ingest worker does: stores the good, keeps the refused, logs the batch. Outcomes: accepted, '
'duplicate, or refused with code and message; another value for a meter and time that is stored is a conflict, '
'another time less than ingest.limits.min_spacing away too close.';
