-- Security definer: the notifier may not touch queues itself.
create function notify.retry(msg_id bigint, delay_seconds integer) returns boolean
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    select exists (select from pgmq.set_vt('notifications', retry.msg_id, retry.delay_seconds))
$$;
revoke all on function notify.retry(bigint, integer) from public;
grant execute on function notify.retry(bigint, integer) to segs_notifier;
comment on function notify.retry(bigint, integer) is
'Puts a mail that could not be delivered back, to be taken again after the delay.';
