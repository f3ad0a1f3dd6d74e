create function event.wake() returns void
language sql
as $$
    -- Empty, and the same every time: PostgreSQL sends it once a transaction however often it is asked.
    -- Never one per reading: a notifying commit takes a lock shared by the whole instance.
    select pg_notify('segs_event', '')
$$;
revoke all on function event.wake() from public;
comment on function event.wake() is 'Wakes the readers of event.log when this transaction commits.';
