create function ingest.prune(at timestamptz default now(), max_rows integer default 50000) returns integer
language plpgsql
as $$
declare
    batches integer;
    refused integer;
begin
    delete from ingest.batch as b
    where b.batch_id in (
        select o.batch_id from ingest.batch as o
        where o.received_at < grid.kept_since('batches', at)
        order by o.batch_id limit max_rows
    );
    get diagnostics batches = row_count;
    delete from ingest.quarantine as q
    where q.quarantine_id in (
        select o.quarantine_id from ingest.quarantine as o
        where o.received_at < grid.kept_since('quarantine', at)
        order by o.quarantine_id limit max_rows
    );
    get diagnostics refused = row_count;
    return batches + refused;
end;
$$;

comment on function ingest.prune(timestamptz, integer) is
'Deletes batches and quarantined readings past their retention, at most max_rows of each. Returns how many rows went.';
