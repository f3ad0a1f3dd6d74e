-- migrate:up
set local role segs_owner;

create table alert.rule (
    rule_id integer generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    kind text not null check (kind in ('high', 'zero', 'negative', 'silent')),
    meter_id integer,
    user_id uuid,
    threshold bigint check (threshold is null or kind = 'high'),
    severity text not null default 'warning' check (severity in ('info', 'warning', 'critical')),
    enabled boolean not null default true,
    foreign key (tenant_id, meter_id) references grid.meter (tenant_id, meter_id),
    foreign key (tenant_id, user_id) references auth.user_account (tenant_id, user_id),
    constraint rule_high_has_threshold check (kind <> 'high' or threshold is not null),
    constraint rule_threshold_not_negative check (threshold >= 0),
    -- A rule with a meter and a user is what an owner wants of one meter; it holds while they own it.
    unique nulls not distinct (tenant_id, kind, meter_id, user_id)
);
alter table alert.rule enable row level security;
comment on table alert.rule is
'What raises an alert. An owner''s rule for one meter beats the meter''s, which beats the owner''s, which beats the '
'tenant''s.';
comment on column alert.rule.threshold is 'kind high: energy of one window, mWh, above which the alert is raised.';

-- Everybody may know the tenant's own rules; those of a meter's former owner are theirs alone.
create policy rule_of_caller on alert.rule for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and (
        (select auth.sees_tenant())
        or user_id = (select auth.user_id())
        or (user_id is null and meter_id is null)
        or (user_id is null and meter_id = any((select auth.own_meter_ids())::integer[]))
    )
);
grant select on alert.rule to segs_api;

create type alert.sighting as (seen_at timestamptz, energy bigint, threshold bigint);
comment on type alert.sighting is
'One window that shows an alert: its end, and its energy and the threshold that it went over (mWh).';

create table alert.alert (
    alert_id bigint generated always as identity primary key,
    tenant_id integer not null,
    region_id integer not null,
    meter_id integer not null,
    meter_code text not null,
    kind text not null check (kind in ('high', 'zero', 'negative', 'silent')),
    severity text not null check (severity in ('info', 'warning', 'critical')),
    status text not null default 'active' check (status in ('active', 'acknowledged', 'resolved')),
    raised_at timestamptz not null,
    last_seen_at timestamptz not null,
    quiet_period tstzrange not null,
    occurrences integer not null default 1 check (occurrences >= 1),
    sightings alert.sighting[] not null default '{}',
    value bigint,
    threshold bigint,
    created_at timestamptz not null default now(),
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    resolved_at timestamptz,
    resolved_by uuid,
    withdrawn_reason text,
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    -- Staff page through their tenant's alerts, newest first, and look for those of one meter by its public
    -- name. With the
    -- name in the alert both are walks along an index. The foreign key keeps the name the meter's.
    constraint alert_meter_fkey foreign key (tenant_id, meter_id, meter_code)
    references grid.meter (tenant_id, meter_id, code) on update cascade,
    constraint alert_acknowledged_at_known check ((status = 'acknowledged') <= (acknowledged_at is not null)),
    constraint alert_resolved_at_known check ((status = 'resolved') = (resolved_at is not null)),
    constraint alert_withdrawn_is_resolved check (withdrawn_reason is null or status = 'resolved'),
    -- A late reading may show an earlier window or disprove the first, so raised_at is not where the hour begins.
    constraint alert_quiet_period_check check (
        not lower_inf(quiet_period) and not upper_inf(quiet_period)
        and raised_at > lower(quiet_period) - interval '1 hour' and raised_at < upper(quiet_period)
    ),
    -- The same meter and kind raises once an hour at most. A constraint, not a look before the insert. What
    -- was withdrawn
    -- has said nothing: the hour is free again.
    constraint alert_once_an_hour exclude using gist (
        meter_id with =, kind with =, quiet_period with &&
    ) where (withdrawn_reason is null)
-- Room for counting a repeat on the same page: the exclusion index is then left alone.
) with (fillfactor = 50);
create index alert_tenant on alert.alert (tenant_id, raised_at);
-- The alerts of a few meters, and the newest open ones of a tenant, without looking at the others.
create index alert_meter on alert.alert (meter_id, raised_at);
create index alert_meter_code on alert.alert (tenant_id, meter_code, raised_at);
create index alert_open_newest on alert.alert (tenant_id, raised_at) where status <> 'resolved';
alter table alert.alert enable row level security;
comment on table alert.alert is
'Something a meter did that a person should know. Repeats within the hour are counted, not raised again.';
comment on column alert.alert.meter_code is 'grid.meter.code of meter_id (meter_id in the API).';
comment on column alert.alert.raised_at is
'End of the first window that shows it (time of the grid, not of the clock; see created_at).';
comment on column alert.alert.quiet_period is
'One hour from when it was first raised: the same meter and kind seen in it is counted here. Late readings move '
'raised_at, never this.';
comment on column alert.alert.sightings is
'The windows that show it, in order of time. What raised_at, last_seen_at, value and threshold say follows from them. '
'A withdrawn alert keeps its last.';
comment on column alert.alert.value is 'Energy of the latest window that showed it, mWh; null when silent.';
comment on column alert.alert.withdrawn_reason is
'Why it was withdrawn (its status is then resolved, by nobody); null: it stands, or a person settled it.';

create policy alert_of_caller on alert.alert for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or meter_id = any((select auth.own_meter_ids())::integer[]))
);
grant select on alert.alert to segs_api;

create table alert.due (
    due_id bigint generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    window_start timestamptz not null,
    totals grid.window_total[] not null
);
create index due_order on alert.due (window_start desc, due_id);
alter table alert.due enable row level security;
comment on table alert.due is
'Meters of closed windows that are yet to be judged by the rules: too many for the transaction that closed or restated '
'the window. See alert.put_off.';
reset role;

-- migrate:down
set local role segs_owner;
drop table alert.due;
drop table alert.alert;
drop type alert.sighting;
drop table alert.rule;
reset role;
