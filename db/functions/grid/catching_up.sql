create function grid.catching_up(tenant_id integer, at timestamptz) returns boolean
language sql stable
return (
    select
        exists (
            select from ingest.batch as b
            where b.tenant_id = catching_up.tenant_id and b.received_at > at - l.idle_after
        )
        -- Live readings are recent and move with the clock; those of a back-fill, or of gateways after an outage, are
        -- old or overtake it. A tenant's first readings could be either, until they have been seen for a while.
        and coalesce(
            s.newest < at - l.live_lag - t.reading_interval
            or s.newest - grid.progress_at(tenant_id, at - l.idle_after)
            > greatest(l.live_step, 2 * t.reading_interval),
            true
        )
    from ingest.limits as l
    join grid.tenant as t on t.tenant_id = catching_up.tenant_id
    cross join lateral (select grid.progress_at(catching_up.tenant_id, at)) as s (newest)
);

comment on function grid.catching_up(integer, timestamptz) is
'Whether a tenant''s readings are of the past and on their way to the present, rather than live or silent.';
