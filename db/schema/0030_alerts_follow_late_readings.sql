-- migrate:up
set local role segs_owner;

create type alert.sighting as (seen_at timestamptz, energy bigint, threshold bigint);
comment on type alert.sighting is
'One window that shows an alert: its end, and its energy and the threshold that it went over (mWh).';

alter table alert.alert
add column sightings alert.sighting[] not null default '{}',
add column withdrawn_reason text,
add constraint alert_withdrawn_is_resolved check (withdrawn_reason is null or status = 'resolved');
update alert.alert as a
set sightings = array[row(a.last_seen_at, a.value, a.threshold)::alert.sighting];
-- The update's triggers, before the table can be altered.
set constraints all immediate;
comment on column alert.alert.sightings is
'The windows that show it, in order of time. What raised_at, last_seen_at, value and threshold say follows from them. '
'A withdrawn alert keeps its last.';
comment on column alert.alert.withdrawn_reason is
'Why it was withdrawn (its status is then resolved, by nobody); null: it stands, or a person settled it.';
comment on column alert.alert.raised_at is
'End of the first window that shows it (time of the grid, not of the clock; see created_at).';
comment on column alert.alert.quiet_period is
'One hour from when it was first raised: the same meter and kind seen in it is counted here. Late readings move '
'raised_at, never this.';

-- What was withdrawn has said nothing: the hour is free again. And raised_at is no longer where the hour begins: a late
-- reading may show an earlier window, or disprove the first.
alter table alert.alert
drop constraint alert_check,
add constraint alert_quiet_period_check check (
    not lower_inf(quiet_period) and not upper_inf(quiet_period)
    and raised_at > lower(quiet_period) - interval '1 hour' and raised_at < upper(quiet_period)
),
drop constraint alert_once_an_hour,
add constraint alert_once_an_hour exclude using gist (
    meter_id with =, kind with =, quiet_period with &&
) where (withdrawn_reason is null);
reset role;

-- migrate:down
set local role segs_owner;
delete from alert.alert as a
where a.withdrawn_reason is not null or a.raised_at <> lower(a.quiet_period);
set constraints all immediate;
alter table alert.alert
drop constraint alert_once_an_hour,
add constraint alert_once_an_hour exclude using gist (
    meter_id with =, kind with =, quiet_period with &&
),
drop constraint alert_quiet_period_check,
add constraint alert_check check (lower(quiet_period) = raised_at and not upper_inf(quiet_period)),
drop constraint alert_withdrawn_is_resolved,
drop column withdrawn_reason,
drop column sightings;
drop type alert.sighting;
comment on column alert.alert.raised_at is
'End of the window that first showed it (time of the grid, not of the clock; see created_at).';
comment on column alert.alert.quiet_period is
'One hour from raised_at: the same meter and kind seen again in it is counted here.';
reset role;
