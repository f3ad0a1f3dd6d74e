-- Security definer: the relay reads the log only through here.
create function event.read_after(
    after_xid xid8, after_id bigint, max_events integer default 1000, only_tenant integer default null
) returns table (
    xid xid8,
    id bigint,
    tenant_id integer,
    topic text,
    region_id integer,
    meter_id integer,
    happened tstzrange,
    payload jsonb,
    at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    -- Nothing from a transaction that may still commit, or that began after one: so nothing can appear behind a reader.
    select l.xid, l.id, l.tenant_id, l.topic, l.region_id, l.meter_id, l.happened, l.payload, l.at
    from event.log as l
    where (l.xid, l.id) > ($1, $2)
      and l.xid < pg_snapshot_xmin(pg_current_snapshot())
      and ($4 is null or l.tenant_id = $4)
    order by l.xid, l.id
    limit $3
$$;
revoke all on function event.read_after(xid8, bigint, integer, integer) from public;
grant execute on function event.read_after(xid8, bigint, integer, integer) to segs_relay, segs_api;
comment on function event.read_after(xid8, bigint, integer, integer) is
'The next events after a position, oldest first, of one tenant or of all. Stops before the oldest transaction '
'still open.';
