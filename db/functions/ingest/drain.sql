create procedure ingest.drain()
language plpgsql
as $$
begin
    -- A bounded number of short transactions: a full queue does not keep this job running for ever.
    for round in 1..20 loop
        exit when not pg_try_advisory_xact_lock('pgmq.q_raw_readings'::regclass::oid::bigint);
        perform ingest.beat('queue');
        exit when (select d.messages from ingest.drain_queue() as d) = 0;
        commit;
    end loop;
end;
$$;

comment on procedure ingest.drain () is 'Empties the raw_readings queue, a few hundred messages a transaction.';
