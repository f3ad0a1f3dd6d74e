-- Security definer: the notifier may not touch queues itself.
create function notify.bury(msg_id bigint, reason text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    -- A reply of a mail server may hold anything.
    why constant text := left(regexp_replace(bury.reason, '[[:cntrl:]]+', ' ', 'g'), 500);
begin
    perform pgmq.send('notifications_dead', jsonb_build_object(
        'reason', why, 'msg_id', q.msg_id, 'read_ct', q.read_ct, 'enqueued_at', q.enqueued_at,
        'message', notify.redacted(q.message)
    ))
    from pgmq.q_notifications as q
    where q.msg_id = bury.msg_id;
    return notify.done(bury.msg_id);
end;
$$;
revoke all on function notify.bury(bigint, text) from public;
grant execute on function notify.bury(bigint, text) to segs_notifier;
comment on function notify.bury(bigint, text) is
'Moves a mail that cannot be delivered to notifications_dead with the reason, without what was personal in it.';
