create function ingest.prune_archives(at timestamptz default now(), max_rows integer default 50000) returns integer
language plpgsql
as $$
declare
    queue text;
    pruned integer;
    total integer := 0;
begin
    for queue in select q.queue_name from pgmq.list_queues() as q order by q.queue_name loop
        execute format(
            'delete from pgmq.a_%1$s where msg_id in '
            '(select msg_id from pgmq.a_%1$s where archived_at < $1 order by msg_id limit $2)', queue
        ) using grid.kept_since('queue_archives', at), max_rows;
        get diagnostics pruned = row_count;
        total := total + pruned;
    end loop;
    return total;
end;
$$;

comment on function ingest.prune_archives(timestamptz, integer) is
'Deletes archived messages of every queue past their retention, at most max_rows a queue. Returns how many.';
