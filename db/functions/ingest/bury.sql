create function ingest.bury(messages pgmq.message_record[]) returns bigint[]
language plpgsql
as $$
declare
    poisoned bigint[];
begin
    with dead as materialized (
        select m.msg_id, m.read_ct, m.enqueued_at, m.message, ingest.poison(m.message, m.read_ct) as reason
        from unnest(bury.messages) as m
    ),

    sent as (
        select d.msg_id, pgmq.send('raw_readings_dead', jsonb_build_object(
            'reason', d.reason, 'msg_id', d.msg_id, 'read_ct', d.read_ct,
            'enqueued_at', d.enqueued_at, 'message', d.message
        ))
        from dead as d
        where d.reason is not null
        order by d.msg_id
    )

    select coalesce(array_agg(s.msg_id), '{}') into poisoned from sent as s;
    perform pgmq.archive('raw_readings', poisoned);
    return poisoned;
end;
$$;

comment on function ingest.bury(pgmq.message_record[]) is
'Moves the messages that can never be taken in to raw_readings_dead, each with its reason. Returns their ids.';
