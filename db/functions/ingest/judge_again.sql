create function ingest.judge_again(tenant_id integer, ids bigint[], at timestamptz)
returns table (quarantine_id bigint, outcome text, code text, message text)
language sql stable
as $$
    with given as materialized (
        select q.quarantine_id, q.reading, ingest.shape_error(q.reading) as shape_error
        from ingest.quarantine as q
        where q.tenant_id = $1 and q.quarantine_id = any ($2)
    ),

    shaped as materialized (
        select g.quarantine_id, m.meter_id, g.shape_error,
            case when g.shape_error is null then (g.reading ->> 'timestamp')::timestamptz end as ts,
            case when g.shape_error is null then (g.reading ->> 'kwh')::numeric end as kwh
        from given as g
        left join grid.meter as m
            on m.tenant_id = $1 and m.code = g.reading ->> 'meter_id' and m.retired_at is null
    )

    select
        s.quarantine_id,
        case
            when s.shape_error is not null or j.code is not null then 'refused'
            when exists (select from grid.reading as r where r.meter_id = s.meter_id and r.ts = s.ts)
                or row_number() over (
                    partition by s.meter_id, s.ts, s.shape_error is null and j.code is null order by s.quarantine_id
                ) > 1 then 'duplicate'
            else 'accepted'
        end,
        case when s.shape_error is not null then 'invalid_reading' else j.code end,
        coalesce(s.shape_error, j.message)
    from shaped as s
    cross join ingest.limits as l
    cross join lateral ingest.refusal(l, s.meter_id, s.ts, s.kwh, $3) as j
$$;
revoke all on function ingest.judge_again(integer, bigint[], timestamptz) from public;
comment on function ingest.judge_again(integer, bigint[], timestamptz) is
'What would become of quarantined readings if they came now: accepted, duplicate, or refused with code and message.';
