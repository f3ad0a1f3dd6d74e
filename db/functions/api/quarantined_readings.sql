create view api.quarantined_readings with (security_barrier) as
select
    q.quarantine_id,
    q.received_at,
    q.source,
    q.code,
    q.message,
    q.reading,
    q.replayed_at
from ingest.quarantine as q;
grant select on api.quarantined_readings to operator, admin;
comment on view api.quarantined_readings is
$$Readings that were refused

Each once, however often it was sent, with the reason it was refused for last. See rpc/replay_quarantined.$$;
comment on column api.quarantined_readings.quarantine_id is 'Number to replay it by.';
comment on column api.quarantined_readings.received_at is 'When it came in first.';
comment on column api.quarantined_readings.source is 'http or queue: where it came from first.';
comment on column api.quarantined_readings.code is
'unknown_meter, time_in_future, time_too_old, energy_out_of_range, conflict (another energy is stored for the meter '
'and time) or, from the queue, invalid_reading.';
comment on column api.quarantined_readings.message is 'The reason in words, as the sender was told.';
comment on column api.quarantined_readings.reading is 'The reading as it was sent.';
comment on column api.quarantined_readings.replayed_at is 'When it was taken in after all; null if it was not.';
