create procedure ingest.drain()
language plpgsql
as $$
begin
    -- A bounded number of short transactions: a full queue does not keep this job running for ever.
    for round in 1..20 loop
        -- By itself: grid.close_windows says so too, and shall not wait until what is drained is stored.
        perform ingest.beat('queue');
        commit;
        exit when not pg_try_advisory_xact_lock('pgmq.q_raw_readings'::regclass::oid::bigint);
        exit when (select d.messages from ingest.drain_queue() as d) = 0;
        commit;
    end loop;
end;
$$;

comment on procedure ingest.drain () is 'Empties the raw_readings queue, a few hundred messages a transaction.';
