-- Refreshing a continuous aggregate commits, and raises where another does: so the lock is a session's, not a
-- transaction's. A call that failed has left it locked: it goes with the session, or here.
create function rollup.begin_refresh() returns boolean
language plpgsql
as $$
declare
    key constant oid := 'rollup.late'::regclass;
begin
    while exists (
        select from pg_locks as l
        where l.locktype = 'advisory' and l.pid = pg_backend_pid() and l.mode = 'ExclusiveLock'
          and (l.classid, l.objid, l.objsubid) = (0::oid, key, 1)
    ) loop
        perform pg_advisory_unlock(key::bigint);
    end loop;
    return pg_try_advisory_lock(key::bigint);
end;
$$;

comment on function rollup.begin_refresh() is
'Continuous aggregates: whether this session may refresh them; false while another does.';
