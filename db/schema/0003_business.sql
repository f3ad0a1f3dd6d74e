-- migrate:up
set local role segs_owner;

create table tariff.plan (
    plan_id integer generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    region_id integer,
    name text not null check (length(name) between 1 and 200),
    validity tstzrange not null check (not isempty(validity)),
    base_price numeric(12, 6) not null default 0.12 check (base_price >= 0),
    max_multiplier numeric(6, 3) not null default 2.0 check (max_multiplier >= 1),
    high_load bigint not null default 1000000000 check (high_load > 0),
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    -- one plan at a time for a region, and one for "every other region" (null)
    exclude using gist (tenant_id with =, coalesce(region_id, 0) with =, validity with &&)
);
comment on table tariff.plan is
'How a region is priced while the plan is valid; a null region means every region without a plan of its own.';
comment on column tariff.plan.base_price is 'Price at no load, tenant currency per kWh.';
comment on column tariff.plan.max_multiplier is 'Multiplier reached at high_load.';
comment on column tariff.plan.high_load is
'Load of a region in one window, mWh, at which the multiplier is max_multiplier.';

create table tariff.price (
    tenant_id integer not null,
    region_id integer not null,
    window_start timestamptz not null,
    price numeric(12, 6) not null check (price >= 0),
    multiplier numeric(8, 6) not null check (multiplier >= 1),
    load_energy bigint not null,
    plan_id integer not null references tariff.plan,
    published_at timestamptz not null default now(),
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    primary key (region_id, window_start)
);
create index price_tenant on tariff.price (tenant_id, window_start);
comment on table tariff.price is
'The published price of a region and window. Never changed, never deleted by late readings.';
comment on column tariff.price.price is 'Tenant currency per kWh for energy used in the window.';
comment on column tariff.price.load_energy is 'Load of the window before, mWh, from which the multiplier came.';

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
    check (num_nonnulls(meter_id, user_id) <= 1),
    check (kind <> 'high' or threshold is not null),
    unique nulls not distinct (tenant_id, kind, meter_id, user_id)
);
comment on table alert.rule is
'What raises an alert. The rule of a meter beats its owner''s, which beats the tenant''s.';
comment on column alert.rule.threshold is 'kind high: energy of one window, mWh, above which the alert is raised.';

create table alert.alert (
    alert_id bigint generated always as identity primary key,
    tenant_id integer not null,
    region_id integer not null,
    meter_id integer not null,
    kind text not null check (kind in ('high', 'zero', 'negative', 'silent')),
    severity text not null check (severity in ('info', 'warning', 'critical')),
    status text not null default 'active' check (status in ('active', 'acknowledged', 'resolved')),
    raised_at timestamptz not null,
    quiet_period tstzrange not null check (lower(quiet_period) = raised_at and not upper_inf(quiet_period)),
    last_seen_at timestamptz not null,
    occurrences integer not null default 1 check (occurrences >= 1),
    value bigint,
    threshold bigint,
    created_at timestamptz not null default now(),
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    resolved_at timestamptz,
    resolved_by uuid,
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    foreign key (tenant_id, meter_id) references grid.meter (tenant_id, meter_id),
    check ((status = 'acknowledged') <= (acknowledged_at is not null)),
    check ((status = 'resolved') = (resolved_at is not null)),
    -- The same meter and kind raises once an hour at most. A constraint, not a look before the insert.
    constraint alert_once_an_hour exclude using gist (
        meter_id with =, kind with =, quiet_period with &&
    )
);
create index alert_tenant on alert.alert (tenant_id, raised_at);
create index alert_open on alert.alert (tenant_id, meter_id) where status <> 'resolved';
comment on table alert.alert is
'Something a meter did that a person should know. Repeats within the hour are counted, not raised again.';
comment on column alert.alert.raised_at is
'End of the window that first showed it (time of the grid, not of the clock; see created_at).';
comment on column alert.alert.quiet_period is
'One hour from raised_at: the same meter and kind seen again in it is counted here.';
comment on column alert.alert.value is 'Energy of the latest window that showed it, mWh; null when silent.';

create table event.log (
    xid xid8 not null default pg_current_xact_id(),
    id bigint generated always as identity,
    tenant_id integer not null references grid.tenant,
    topic text not null check (topic ~ '^[a-z]+\.[a-z_]+$'),
    region_id integer,
    meter_id integer,
    payload jsonb not null,
    at timestamptz not null default clock_timestamp(),
    primary key (xid, id)
);
create index log_at on event.log (at);
create index log_tenant on event.log (tenant_id, xid, id);
comment on table event.log is
'The outbox, written in the transaction of the change it tells. Read in (xid, id) order below the snapshot''s xmin.';

create table event.state (
    singleton boolean primary key default true check (singleton),
    epoch integer not null default 1,
    pruned_xid xid8 not null default '0',
    pruned_id bigint not null default 0
);
insert into event.state default values;
comment on table event.state is
'One row. A cursor of another epoch, or before the pruned position, is answered with a gap.';
comment on column event.state.epoch is 'Bumped when the database is restored from a backup, because xids start again.';

select pgmq.create('raw_readings');
select pgmq.create('raw_readings_dead');
select pgmq.create('notifications');
select pgmq.create('notifications_dead');
reset role;

-- migrate:down
set local role segs_owner;
select pgmq.drop_queue('notifications_dead');
select pgmq.drop_queue('notifications');
select pgmq.drop_queue('raw_readings_dead');
select pgmq.drop_queue('raw_readings');
drop table event.state;
drop table event.log;
drop table alert.alert;
drop table alert.rule;
drop table tariff.price;
drop table tariff.plan;
reset role;
