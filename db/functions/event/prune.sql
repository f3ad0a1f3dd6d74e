create function event.prune(older_than timestamptz, max_rows integer default 100000) returns integer
language plpgsql
as $$
declare
    pruned integer;
    last_xid xid8;
    last_id bigint;
    kept_xid xid8;
    kept_id bigint;
begin
    -- One pruner at a time; the row lock also keeps the pruned position moving one way.
    perform from event.state for update;
    -- A prefix in reading order: up to the first event that is still wanted, never beyond settled transactions.
    select l.xid, l.id into kept_xid, kept_id
    from event.log as l
    where l.at >= prune.older_than
    order by l.xid, l.id
    limit 1;
    kept_xid := coalesce(kept_xid, pg_snapshot_xmin(pg_current_snapshot()));

    with doomed as (
        select l.xid, l.id
        from event.log as l
        where l.xid < pg_snapshot_xmin(pg_current_snapshot())
          and (l.xid, l.id) < (kept_xid, coalesce(kept_id, 0))
        order by l.xid, l.id
        limit prune.max_rows
    ), gone as (
        delete from event.log as l
        using doomed as d
        where l.xid = d.xid and l.id = d.id
        returning l.xid, l.id
    )
    select (count(*) over ())::integer, g.xid, g.id
    into pruned, last_xid, last_id
    from gone as g
    order by g.xid desc, g.id desc
    limit 1;

    if last_xid is null then
        return 0;
    end if;
    update event.state set pruned_xid = last_xid, pruned_id = last_id;
    return pruned;
end;
$$;
revoke all on function event.prune(timestamptz, integer) from public;
comment on function event.prune(timestamptz, integer) is
'Deletes the oldest events, all from before older_than and at most max_rows, and moves the horizon past them. '
'Returns how many; call again while it returns max_rows.';
