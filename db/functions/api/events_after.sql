-- Security definer: events are read through a private view.
create function api.events_after(cursor text default null, max_events integer default 1000) returns setof api.events
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select event.cursor(e.xid, e.id), e.topic, e.region, e.meter_id, e.payload, e.at
    from event.resume_from($1) as p
    cross join lateral (
        select v.*
        from event.visible_event as v
        where (v.xid, v.id) > (p.xid, p.id)
        order by v.xid, v.id
        limit least(greatest($2, 1), 1000)
    ) as e
    order by e.xid, e.id
$$;
revoke all on function api.events_after(text, integer) from public;
grant execute on function api.events_after(text, integer) to consumer, operator, admin;
comment on function api.events_after(text, integer) is
$$Page through events without gaps

The next events after a cursor, oldest first, at most max_events (1000). Without a cursor: from the oldest that is kept.
An empty answer: nothing new, ask again with the same cursor. 400: not a cursor; 410: events after it are no longer
kept.$$;
