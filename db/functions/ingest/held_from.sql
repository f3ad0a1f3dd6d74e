-- PL/pgSQL: a SQL function that another calls is planned at every call, and sealing asks for every tenant.
create function ingest.held_from(tenant_id integer, at timestamptz) returns timestamptz
language plpgsql stable
as $$
begin
    return (
        select min(a.since)
        from ingest.absences($1) as a
        cross join ingest.limits as l
        join grid.tenant as t on t.tenant_id = $1
        where case
                when a.until is null then a.since < $2 - l.absent_after and $2 < a.last_call
                -- It is over. What the meters kept comes now, or still does.
                when a.since <= $2 and $2 < a.until + l.backlog_limit
                    then $2 < a.until + least(l.backlog_wait, a.until - a.since)
                    or exists (
                        select from ingest.batch as b
                        where b.tenant_id = $1 and b.received_at > $2 - l.idle_after and b.received_at <= $2
                          and b.last_ts >= a.since - t.reading_interval and b.first_ts < a.until - t.reading_interval
                    )
                else false
            end
    );
end;
$$;
revoke all on function ingest.held_from(integer, timestamptz) from public;
comment on function ingest.held_from(integer, timestamptz) is
'Since when, at a moment, windows of a tenant wait for readings that could not be received; null when they do not.';
