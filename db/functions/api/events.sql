create view api.events with (security_barrier) as
select
    event.cursor(e.xid, e.id) as cursor,
    e.topic,
    e.region,
    e.meter_id,
    e.payload,
    e.at
from event.visible_event as e
order by e.xid, e.id;
grant select on api.events to consumer, operator, admin;
comment on view api.events is
$$What happened, oldest first

The same events as the WebSocket's. Consumers see the prices of their regions and the alerts of their meters. To page
without gaps, call rpc/events_after with the last cursor; a cursor from here also resumes a WebSocket.$$;
comment on column api.events.cursor is 'Opaque position of the event.';
comment on column api.events.topic is
'load.closed, load.restated, price.published, alert.raised, alert.repeated, alert.corrected, alert.acknowledged or '
'alert.resolved.';
comment on column api.events.region is 'Code of the region it is about.';
comment on column api.events.meter_id is 'Public name of the meter it is about; null when about a region.';
comment on column api.events.payload is 'What happened, in public names and kWh.';
comment on column api.events.at is 'When it was written; a transaction''s events appear together when it commits.';
