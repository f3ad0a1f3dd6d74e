-- Security definer: the notifier may not touch queues itself.
create function notify.take(
    max_messages integer, hold_seconds integer
) returns table (msg_id bigint, read_ct integer, message jsonb)
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.msg_id, m.read_ct, m.message
    from pgmq.read('notifications', take.hold_seconds, take.max_messages) as m
$$;
revoke all on function notify.take(integer, integer) from public;
grant execute on function notify.take(integer, integer) to segs_notifier;
comment on function notify.take(integer, integer) is
'The next mails to send. Nobody else gets them for hold_seconds; read_ct counts how often each was taken.';
