-- Security definer: the relay may not read event.state itself.
create function event.position() returns table (epoch integer, xid xid8, id bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    -- Of an event that is committed, never a transaction id that is merely free by now: after a crash or a promotion it
    -- may be given out again, to events that must not sort before a cursor.
    select s.epoch, coalesce(newest.xid, s.pruned_xid), coalesce(newest.id, s.pruned_id)
    from event.state as s
    left join lateral (
        select l.xid, l.id
        from event.log as l
        where l.xid < pg_snapshot_xmin(pg_current_snapshot())
        order by l.xid desc, l.id desc
        limit 1
    ) as newest on true
$$;
revoke all on function event.position() from public;
grant execute on function event.position() to segs_relay, segs_api;
comment on function event.position() is
'The position "now": the last event that can be read, or the last that was pruned. What can be read later lies after '
'it.';
