create function grid.progress_at(tenant_id integer, at timestamptz) returns timestamptz
language sql stable
return (
    select b.last_ts
    from ingest.batch as b
    where b.tenant_id = progress_at.tenant_id and b.last_ts is not null and b.received_at <= at
    order by b.last_ts desc
    limit 1
);

comment on function grid.progress_at(integer, timestamptz) is
'The newest reading that a tenant had sent at a moment; null if none.';
