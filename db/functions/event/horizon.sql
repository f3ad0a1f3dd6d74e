-- Security definer: the relay may not read event.state itself.
create function event.horizon() returns table (epoch integer, xid xid8, id bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select s.epoch, s.pruned_xid, s.pruned_id
    from event.state as s
$$;
revoke all on function event.horizon() from public;
grant execute on function event.horizon() to segs_relay, segs_api;
comment on function event.horizon() is
'The oldest position that can still be resumed without a gap, and the epoch that a cursor must be of.';
