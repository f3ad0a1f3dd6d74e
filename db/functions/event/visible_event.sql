create view event.visible_event as
select
    l.xid,
    l.id,
    l.topic,
    l.payload ->> 'region' as region,
    l.payload ->> 'meter_id' as meter_id,
    l.payload,
    l.at
from event.log as l
where
    l.tenant_id = (select auth.tenant_id())
    -- As for the relay: nothing after a transaction that is still open.
    and l.xid < pg_snapshot_xmin(pg_current_snapshot())
    and (
        (select auth.sees_tenant())
        or (
            l.topic = 'price.published'
            and exists (
                select from auth.visible_region as v
                where v.region_id = l.region_id and v.periods @> (l.payload ->> 'window_start')::timestamptz
            )
        )
        or (
            l.topic like 'alert.%'
            and exists (
                select from auth.visible_meter as v
                where
                    v.meter_id = l.meter_id
                    -- As in api.alerts: of windows that they owned the meter in from start to end.
                    and v.visible_from + interval '15 minutes' <= (l.payload ->> 'raised_at')::timestamptz
                    and v.visible_until
                    >= coalesce(l.payload ->> 'last_seen_at', l.payload ->> 'raised_at')::timestamptz
            )
        )
    );
grant select on event.visible_event to segs_api;
comment on view event.visible_event is
'Events that the caller sees: staff all of the tenant''s; a consumer the prices of their regions and the '
'alerts of their '
'meters from the time they own them, whenever they are told.';
comment on column event.visible_event.xid is 'Transaction that wrote it; with id its place in the order.';
