-- Security definer: segs_api, which calls it for an operator's own tenant, may read quarantine but not write readings.
create function ingest.replay(tenant_id integer, ids bigint[], at timestamptz default now())
returns table (quarantine_id bigint, outcome text, code text, message text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    waiting bigint[];
    readings jsonb[];
    stamped text[];
begin
    -- Locked, so that nobody replays the same ones at the same time.
    select coalesce(array_agg(w.quarantine_id order by w.quarantine_id), '{}'),
        coalesce(array_agg(w.reading order by w.quarantine_id), '{}'),
        coalesce(array_agg(w.stamped order by w.quarantine_id), '{}')
    into waiting, readings, stamped
    from (
        select q.quarantine_id, q.reading, q.stamped from ingest.quarantine as q
        where q.tenant_id = $1 and q.quarantine_id = any ($2) and q.replayed_at is null
        for update
    ) as w;

    return query
    with done as materialized (
        select waiting[s.place] as quarantine_id, s.outcome, s.code, s.message
        from ingest.store('replay', array_fill($1, array[cardinality(waiting)]), readings, stamped, $3) as s
    ),

    taken as (
        update ingest.quarantine as q
        set replayed_at = case when d.outcome <> 'refused' then $3 end,
            code = coalesce(d.code, q.code), message = coalesce(d.message, q.message)
        from done as d
        where d.quarantine_id = q.quarantine_id and (d.outcome <> 'refused' or d.code <> q.code)
    )

    select a.id,
        coalesce(d.outcome, case when q.quarantine_id is null then 'not_found' else 'replayed_before' end),
        d.code, d.message
    from (select distinct u.id from unnest($2) as u (id) where u.id is not null) as a
    left join ingest.quarantine as q on q.tenant_id = $1 and q.quarantine_id = a.id
    left join done as d on d.quarantine_id = a.id
    order by a.id;
end;
$$;
revoke all on function ingest.replay(integer, bigint[], timestamptz) from public;
grant execute on function ingest.replay(integer, bigint[], timestamptz) to segs_api;
comment on function ingest.replay(integer, bigint[], timestamptz) is
'Takes quarantined readings of a tenant in as if they came now. Outcomes: accepted, duplicate, refused (with code and '
'message; it stays), replayed_before, not_found.';
