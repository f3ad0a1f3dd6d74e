-- The relay asks the same of each event (workers/relay/scope.py), and a test compares what both say.
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
                where v.region_id = l.region_id and v.periods @> lower(l.happened)
            )
        )
        or (
            l.topic like 'alert.%'
            and exists (
                select from auth.visible_meter as v
                where
                    v.meter_id = l.meter_id
                    -- As in api.alerts: the meter was theirs in all the time that it tells of.
                    and v.visible_from <= lower(l.happened) and v.visible_until >= upper(l.happened)
            )
        )
    );
grant select on event.visible_event to segs_api;
comment on view event.visible_event is
'Events that the caller sees: staff all of the tenant''s; a consumer the prices of their regions and the '
'alerts of their '
'meters from the time they own them, whenever they are told.';
comment on column event.visible_event.xid is 'Transaction that wrote it; with id its place in the order.';
