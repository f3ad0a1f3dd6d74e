-- Security definer: the relay reads the log only through here.
create function event.waiting(after_xid xid8, after_id bigint)
returns table (waiting boolean, oldest_at timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select count(*) > 0, min(l.at)
    from event.log as l
    where (l.xid, l.id) > ($1, $2) and l.xid >= pg_snapshot_xmin(pg_current_snapshot())
$$;
revoke all on function event.waiting(xid8, bigint) from public;
grant execute on function event.waiting(xid8, bigint) to segs_relay;
comment on function event.waiting(xid8, bigint) is
'Whether events after a position are committed but held back by an older transaction that is still open, and '
'since when.';
