-- Security definer: the notifier may not look into queues itself.
create function notify.waiting() returns table (waiting bigint, dead bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select (select count(*) from pgmq.q_notifications), (select count(*) from pgmq.q_notifications_dead)
$$;
revoke all on function notify.waiting() from public;
grant execute on function notify.waiting() to segs_notifier;
comment on function notify.waiting() is 'How many mails wait to be sent, and how many were given up.';
