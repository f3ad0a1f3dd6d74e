-- Security definer: the notifier may not touch queues itself.
create function notify.done(msg_id bigint) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The archive keeps what is written here: no code and no address longer than it takes to deliver.
    update pgmq.q_notifications as q set message = notify.redacted(q.message) where q.msg_id = done.msg_id;
    return pgmq.archive('notifications', done.msg_id);
end;
$$;
revoke all on function notify.done(bigint) from public;
grant execute on function notify.done(bigint) to segs_notifier;
comment on function notify.done(bigint) is
'Archives a mail that was delivered, without what was personal in it. False when it had been before.';
