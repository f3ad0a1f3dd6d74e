-- migrate:up
-- When an event happened, by the grid's time, stands in a column: who may hear it hangs on that.
-- And an epoch of the log is told from all others, those of other databases and of other restores too.
set local role segs_owner;
alter table event.log add column happened tstzrange;
update event.log
set happened = case
    when topic like 'alert.%'
        then tstzrange(
                (payload ->> 'raised_at')::timestamptz - interval '15 minutes',
                (payload ->> 'last_seen_at')::timestamptz
            )
    else tstzrange((payload ->> 'window_start')::timestamptz, (payload ->> 'window_end')::timestamptz)
end;
alter table event.log
alter column happened set not null,
add constraint log_happened check (
    not isempty(happened) and happened <@ tstzrange('0001-01-02 00:00Z', '9999-12-30 00:00Z')
);
comment on column event.log.happened is
'What time of the grid it tells of: the window of a load or price; of an alert from the start of its first window to '
'the end of its last. (at is when it was written.)';

alter table event.state add column cluster text;
update event.state
set
    epoch = extract(epoch from now() - timestamptz '2025-01-01 00:00Z'),
    cluster = (select c.system_identifier::text from pg_catalog.pg_control_system() as c);
alter table event.state alter column cluster set not null;
comment on column event.state.epoch is
'Seconds since 2025 when it began (event.begin_epoch): no two restores of one backup have the same.';
comment on column event.state.cluster is
'System identifier of the cluster whose transaction ids the log holds. Another cluster''s mean nothing here.';
reset role;

-- migrate:down
set local role segs_owner;
alter table event.state drop column cluster;
comment on column event.state.epoch is 'Bumped when the database is restored from a backup, because xids start again.';
alter table event.log drop column happened;
reset role;
