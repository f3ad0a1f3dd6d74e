create function grid.sealable_until(tenant_id integer, at timestamptz) returns timestamptz
language sql stable
return (
    select
        grid.window_start(least(
            at - l.window_grace,
            -- Readings still arriving decide how far time has come, so that a back-fill closes window by window.
            (
                select max(b.last_ts) - l.window_grace
                from ingest.batch as b
                where b.tenant_id = sealable_until.tenant_id and b.received_at > at - l.idle_after
            )
        ))
    from ingest.limits as l
);

comment on function grid.sealable_until(integer, timestamptz) is
'End of the newest window of a tenant that may be sealed at a moment: its grace period has passed, and the tenant''s
readings have come that far too, unless nothing has arrived for ingest.limits.idle_after.';
