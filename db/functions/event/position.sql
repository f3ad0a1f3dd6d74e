-- Security definer: the relay may not read event.state itself.
create function event.position() returns table (epoch integer, xid xid8, id bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    -- Everything below xmin is settled; everything that settles later sorts after (xmin, 0).
    select s.epoch, pg_snapshot_xmin(pg_current_snapshot()), 0::bigint
    from event.state as s
$$;
revoke all on function event.position() from public;
grant execute on function event.position() to segs_relay, segs_api;
comment on function event.position() is
'The position "now": what could be read up to this moment lies before it, and what can be read later lies after it.';
