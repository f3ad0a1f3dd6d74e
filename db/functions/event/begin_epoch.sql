create function event.begin_epoch() returns integer
language plpgsql
as $$
declare
    begun integer;
begin
    -- The row first, as event.prune does. The seconds make it differ from what another restore of the same backup began.
    update event.state
    set epoch = greatest(epoch + 1, extract(epoch from clock_timestamp() - timestamptz '2025-01-01 00:00Z')::integer),
        pruned_xid = '0',
        pruned_id = 0,
        cluster = event.cluster()
    returning epoch into begun;
    -- Their transaction ids are of another count: among new events they would have no place in the order.
    truncate event.log;
    perform event.wake();
    return begun;
end;
$$;
revoke all on function event.begin_epoch() from public;
comment on function event.begin_epoch() is
'Begins the event log again, empty, when transaction ids have begun again: after a restore, or a failover that may '
'have lost transactions. Cursors of before are answered with a gap. Returns the new epoch.';
