create function ingest.absences(tenant_id integer)
returns table (since timestamptz, until timestamptz, last_call timestamptz)
language sql stable
as $$
    with own as (
        -- The door that the tenant's readings come by; none where they are loaded past both. A replay says nothing of it.
        select b.source as door
        from ingest.batch as b
        where b.tenant_id = $1 and b.source <> 'replay'
        order by b.received_at desc
        limit 1
    )

    select lower(a.period), upper(a.period), null::timestamptz
    from own
    join ingest.absence as a using (door)
    union all
    -- One that goes on. How long it is waited for counts while the database is there, whose jobs see to the queue.
    select p.seen_at, null,
        l.absence_limit + greatest(
            p.seen_at, (select max(upper(q.period)) from ingest.absence as q where q.door = 'queue')
        )
    from own
    join ingest.presence as p using (door)
    cross join ingest.limits as l
    where p.seen_at < clock_timestamp() - l.absent_after
$$;
revoke all on function ingest.absences(integer) from public;
comment on function ingest.absences(integer) is
'When no reading of a tenant could be received; until null: until now, and nobody waits for its end after last_call.';
