-- Security definer: segs_api, which calls it for an operator's own tenant, may read quarantine but not write readings.
create function ingest.replay(tenant_id integer, ids bigint[], at timestamptz default now())
returns table (quarantine_id bigint, outcome text, code text, message text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    waiting bigint[];
    good bigint[];
    readings jsonb[];
begin
    -- Locked, so that nobody replays the same ones at the same time.
    waiting := array(
        select q.quarantine_id from ingest.quarantine as q
        where q.tenant_id = $1 and q.quarantine_id = any ($2) and q.replayed_at is null
        order by q.quarantine_id
        for update
    );

    -- The answer is made up before anything is stored: what is there already is a duplicate.
    return query
    select a.id, coalesce(j.outcome, case when q.quarantine_id is null then 'not_found' else 'replayed_before' end),
        j.code, j.message
    from (select distinct u.id from unnest($2) as u (id) where u.id is not null) as a
    left join ingest.quarantine as q on q.tenant_id = $1 and q.quarantine_id = a.id
    left join ingest.judge_again($1, waiting, $3) as j on j.quarantine_id = a.id
    order by a.id;

    select array_agg(q.quarantine_id order by q.quarantine_id), array_agg(q.reading order by q.quarantine_id)
    into good, readings
    from ingest.judge_again($1, waiting, $3) as j
    join ingest.quarantine as q on q.quarantine_id = j.quarantine_id
    where j.outcome <> 'refused';
    if good is not null then
        perform ingest.store('replay', array_fill($1, array[cardinality(good)]), readings, $3);
        update ingest.quarantine as q set replayed_at = $3 where q.quarantine_id = any (good);
    end if;
end;
$$;
revoke all on function ingest.replay(integer, bigint[], timestamptz) from public;
grant execute on function ingest.replay(integer, bigint[], timestamptz) to segs_api;
comment on function ingest.replay(integer, bigint[], timestamptz) is
'Takes quarantined readings of a tenant in as if they came now. Outcomes: accepted, duplicate, refused (with code and '
'message; it stays), replayed_before, not_found.';
