-- All tables, on one page, to read. Made of a fresh install by `make schema`; nothing runs it.
-- db/schema makes them, with their policies and grants; db/functions has what works on them.
-- Of the editions this is Apache: on Timescale rollup.store_1m and its like are continuous aggregates.

-- schema grid
-- Tenants, regions, meters, readings and closed windows: what the grid is and what it measured.

-- What came late, per meter and window, after the window was sealed; emptied by closing and by
-- restatement.
create table grid.late_window (
    tenant_id integer not null,
    meter_id integer not null,
    window_start timestamp with time zone not null,
    -- How many readings one insert added; null if unknown: the window is then summed again.
    readings bigint,
    -- Their energy, mWh.
    energy bigint,
    logged_at timestamp with time zone not null default now(),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    CHECK ((readings > 0))
);
CREATE INDEX late_window_tenant ON grid.late_window USING btree (tenant_id, window_start);

-- A smart meter. Its public name is code (meter_id in the API); meter_id is internal.
create table grid.meter (
    meter_id integer not null generated always as identity,
    tenant_id integer not null,
    region_id integer not null,
    code text not null,
    -- one_way: energy is only taken from the grid, in each window some; two_way: it may also be fed
    -- in (negative readings), or nothing flow at all, as from panels at night.
    kind text not null default 'one_way'::text,
    -- What the meter's connection carries, kW; null: as the tenant says.
    connection_kw numeric,
    installed_at timestamp with time zone not null default now(),
    -- Start of the first window in which the meter sent; null before any. That nothing came earlier
    -- is no outage.
    begins_at timestamp with time zone,
    -- Since when it is out of service; null while it is in service. Times out of service before
    -- that: grid.meter_past.
    retired_at timestamp with time zone,
    PRIMARY KEY (meter_id),
    UNIQUE (tenant_id, meter_id, code),
    UNIQUE (tenant_id, code),
    UNIQUE (tenant_id, meter_id),
    FOREIGN KEY (tenant_id, region_id) REFERENCES grid.region(tenant_id, region_id),
    CHECK ((retired_at > installed_at)),
    CHECK ((code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'::text)),
    CHECK (((connection_kw > (0)::numeric) AND (connection_kw <= (1000000)::numeric))),
    CHECK ((kind = ANY (ARRAY['one_way'::text, 'two_way'::text])))
);
CREATE INDEX meter_region ON grid.meter USING btree (region_id);

-- Who owned a meter, and when.
create table grid.meter_ownership (
    meter_id integer not null,
    tenant_id integer not null,
    user_id uuid not null,
    period tstzrange not null,
    PRIMARY KEY (meter_id, period),
    FOREIGN KEY (tenant_id, meter_id) REFERENCES grid.meter(tenant_id, meter_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES auth.user_account(tenant_id, user_id),
    EXCLUDE USING gist (meter_id WITH =, period WITH &&),
    CHECK ((lower_inc(period) AND (NOT upper_inc(period)))),
    CHECK (((NOT isempty(period)) AND (NOT lower_inf(period))))
);
CREATE INDEX meter_ownership_user ON grid.meter_ownership USING btree (user_id);

-- What was true of a meter before it changed: region, kind, whether retired. What holds now is in
-- grid.meter.
create table grid.meter_past (
    meter_id integer not null,
    tenant_id integer not null,
    -- When it held; the first begins at -infinity, the next where the one before ends, and the last
    -- ends where what is in grid.meter begins.
    period tstzrange not null,
    region_id integer not null,
    kind text not null,
    retired boolean not null,
    PRIMARY KEY (meter_id, period),
    FOREIGN KEY (tenant_id, meter_id) REFERENCES grid.meter(tenant_id, meter_id),
    FOREIGN KEY (tenant_id, region_id) REFERENCES grid.region(tenant_id, region_id),
    EXCLUDE USING gist (meter_id WITH =, period WITH &&),
    CHECK ((kind = ANY (ARRAY['one_way'::text, 'two_way'::text]))),
    CHECK (((NOT isempty(period)) AND (NOT upper_inf(period)) AND (NOT upper_inc(period))))
);

-- Which interval a tenant's meters had for readings before a time; from the last one on, that of
-- grid.tenant.
create table grid.past_interval (
    tenant_id integer not null,
    until timestamp with time zone not null,
    reading_interval interval not null,
    spreads boolean not null generated always as ((mod((900)::numeric, EXTRACT(epoch FROM reading_interval)) <> (0)::numeric)) stored,
    PRIMARY KEY (tenant_id, until),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id)
);

-- What meters measured: immutable facts. A retry cannot count twice (unique meter_id, ts).
create table grid.reading (
    -- Start of the interval measured; the reading counts in the bucket and window that hold it.
    ts timestamp with time zone not null,
    meter_id integer not null,
    -- Energy in milliwatt-hours (1 kWh = 1,000,000 mWh) that counts in the window of ts; negative
    -- is fed in.
    energy bigint not null,
    -- What the meter sent, mWh, where its interval reaches into other windows: energy is the share
    -- of the first one.
    whole bigint,
    -- Time of the reading of which this row is the share of a later window; null in what meters
    -- sent.
    part_of timestamp with time zone,
    -- Mean voltage of the interval, V.
    voltage real,
    -- Mean current of the interval, A.
    current real,
    -- 0 measured, 1 estimated, 2 substituted, 3 corrected.
    quality smallint not null default 0,
    received_at timestamp with time zone not null default now(),
    UNIQUE (meter_id, ts),
    CHECK (((current >= ('-100000'::integer)::double precision) AND (current <= (100000)::double precision))),
    CHECK (((energy >= '-10000000000'::bigint) AND (energy <= '10000000000'::bigint))),
    CHECK (((quality >= 0) AND (quality <= 3))),
    CHECK (((voltage >= (0)::double precision) AND (voltage <= (1000000)::double precision)))
);
-- hypertable by ts, a chunk every 7 days
CREATE INDEX reading_ts ON grid.reading USING brin (ts) WITH (pages_per_range='32', autosummarize='on');

-- A part of a tenant's grid that is priced by its own load.
create table grid.region (
    region_id integer not null generated always as identity,
    tenant_id integer not null,
    code text not null,
    name text not null,
    PRIMARY KEY (region_id),
    UNIQUE (tenant_id, code),
    UNIQUE (tenant_id, region_id),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    CHECK ((code ~ '^[a-z][a-z0-9-]{1,31}$'::text)),
    CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);

-- Energy of a region in a closed 15-minute window. A late reading adds a revision; none is ever
-- changed.
create table grid.region_load (
    tenant_id integer not null,
    region_id integer not null,
    window_start timestamp with time zone not null,
    revision integer not null default 1,
    -- Sum over the region's meters, mWh.
    energy bigint not null,
    -- Meters that sent at least one reading in the window.
    meters integer not null,
    readings bigint not null,
    closed_at timestamp with time zone not null default now(),
    PRIMARY KEY (region_id, window_start, revision),
    FOREIGN KEY (tenant_id, region_id) REFERENCES grid.region(tenant_id, region_id),
    CHECK ((meters >= 0)),
    CHECK ((readings >= 0)),
    CHECK ((revision >= 1))
);
CREATE INDEX region_load_tenant ON grid.region_load USING btree (tenant_id, window_start);

-- How long things are kept; applied by grid.apply_retention(). A null keep means for ever.
create table grid.retention (
    name text not null,
    -- Age at which rows go. Readings and rollups are never kept shorter than a late reading may be
    -- old (ingest.limits.max_age).
    keep interval,
    -- Some of what is older has been dropped. What a late reading is summed with is newer: see
    -- ingest.limits_keep_sums.
    dropped_before timestamp with time zone,
    comment text not null,
    PRIMARY KEY (name),
    CHECK ((keep > '00:00:00'::interval))
);

-- A utility company. Every business row belongs to one.
create table grid.tenant (
    tenant_id integer not null generated always as identity,
    code text not null,
    name text not null,
    -- IANA zone in which the tenant counts days and months.
    time_zone text not null default 'UTC'::text,
    currency character(3) not null default 'EUR'::bpchar,
    -- How often a meter is expected to send: what readings received are held against.
    reading_interval interval not null default '00:01:00'::interval,
    -- Whether readings of this interval lie on more than one window: see grid.spread_readings.
    spreads boolean not null generated always as ((mod((900)::numeric, EXTRACT(epoch FROM reading_interval)) <> (0)::numeric)) stored,
    -- Whether its meters stamp a reading with the start or the end of its interval, where the
    -- device says nothing.
    stamped text not null default 'start'::text,
    -- What the connection of a meter carries, kW, where grid.meter says nothing: no reading may
    -- tell of more.
    connection_kw numeric not null default 1000,
    created_at timestamp with time zone not null default now(),
    PRIMARY KEY (tenant_id),
    UNIQUE (code),
    CHECK ((code ~ '^[a-z][a-z0-9-]{1,31}$'::text)),
    CHECK (((connection_kw > (0)::numeric) AND (connection_kw <= (1000000)::numeric))),
    CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CHECK (((reading_interval >= '00:00:01'::interval) AND (reading_interval <= '1 day'::interval))),
    CHECK ((stamped = ANY (ARRAY['start'::text, 'end'::text]))),
    CHECK ((time_zone ~ '^[A-Za-z][A-Za-z0-9_+/-]{1,63}$'::text))
);
CREATE INDEX tenant_spreads ON grid.tenant USING btree (tenant_id) WHERE spreads;

-- How far each tenant's windows are closed. Readings before sealed_until are late and are logged
-- for restatement.
create table grid.window_progress (
    tenant_id integer not null,
    sealed_until timestamp with time zone not null,
    closed_until timestamp with time zone not null,
    PRIMARY KEY (tenant_id),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    CHECK ((closed_until <= sealed_until))
);

create type grid.window_total as (
    meter_id integer,
    region_id integer,
    readings bigint,
    energy bigint
);

-- schema ingest
-- The way in: limits, the batch log, quarantine and the raw_readings queue consumer.

-- Times in which no reading could be received by a door: the platform was away, not the meters.
-- Kept as long as a reading may come late.
create table ingest.absence (
    door text not null,
    period tstzrange not null,
    FOREIGN KEY (door) REFERENCES ingest.presence(door),
    EXCLUDE USING gist (door WITH =, period WITH &&),
    CHECK (((NOT isempty(period)) AND (NOT lower_inf(period)) AND (NOT upper_inf(period))))
);

-- One row a tenant and committed write: what came in, and how far in time the tenant's readings
-- have come.
create table ingest.batch (
    batch_id bigint not null generated always as identity,
    tenant_id integer not null,
    received_at timestamp with time zone not null default now(),
    source text not null,
    accepted integer not null,
    duplicates integer not null,
    rejected integer not null,
    first_ts timestamp with time zone,
    last_ts timestamp with time zone,
    PRIMARY KEY (batch_id),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    CHECK ((source = ANY (ARRAY['http'::text, 'queue'::text, 'replay'::text])))
);
CREATE INDEX batch_progress ON ingest.batch USING btree (tenant_id, last_ts) INCLUDE (received_at);
CREATE INDEX batch_tenant ON ingest.batch USING btree (tenant_id, received_at);

-- One row: what a reading may claim, and how long closing a window waits.
create table ingest.limits (
    singleton boolean not null default true,
    max_ahead interval not null default '00:05:00'::interval,
    max_age interval not null default '35 days'::interval,
    -- Largest absolute energy of one reading, mWh.
    max_energy bigint not null default '10000000000'::bigint,
    -- Two readings of a meter are not closer to each other in time. 0 where meters send more often.
    min_spacing interval not null default '00:00:01'::interval,
    -- Deliveries of one queue message before it goes to the dead-letter queue.
    max_read_count integer not null default 5,
    -- A door that has not been seen for this long is absent.
    absent_after interval not null default '00:01:00'::interval,
    -- How long after its end a window stays open. A reading is stamped with the start of its
    -- interval, so meters that send every minute need a minute and some seconds.
    window_grace interval not null default '00:01:30'::interval,
    -- While a tenant catches up, its windows wait for its readings, unless nothing at all has
    -- arrived for this long.
    idle_after interval not null default '00:02:00'::interval,
    -- A tenant whose newest reading is older than this is catching up; its windows wait for its
    -- readings.
    live_lag interval not null default '01:00:00'::interval,
    -- A tenant whose newest reading has moved on by more than this within idle_after is catching up
    -- too. More than one interval of its slowest meters.
    live_step interval not null default '00:20:00'::interval,
    -- How long after an absence windows of that time wait for the readings that meters kept; after
    -- a short one no longer than it was.
    backlog_wait interval not null default '00:05:00'::interval,
    -- How long after an absence they wait at most, while such readings still come.
    backlog_limit interval not null default '01:00:00'::interval,
    -- How long windows wait at most for a door that does not come back, while the database is
    -- there.
    absence_limit interval not null default '1 day'::interval,
    PRIMARY KEY (singleton),
    CHECK ((absence_limit >= '00:00:00'::interval)),
    CHECK ((absent_after > '00:00:00'::interval)),
    CHECK ((backlog_limit >= '00:00:00'::interval)),
    CHECK ((backlog_wait >= '00:00:00'::interval)),
    CHECK ((idle_after > '00:00:00'::interval)),
    CHECK ((live_lag > '00:00:00'::interval)),
    CHECK ((live_step > '00:00:00'::interval)),
    CHECK ((min_spacing >= '00:00:00'::interval)),
    CHECK (singleton),
    CHECK ((window_grace >= '00:00:00'::interval))
);

-- When readings could last be received: over HTTP (the ingest worker says so), from the queue (the
-- jobs of pg_cron do). See ingest.beat.
create table ingest.presence (
    door text not null,
    seen_at timestamp with time zone not null,
    PRIMARY KEY (door),
    CHECK ((door = ANY (ARRAY['http'::text, 'queue'::text])))
);

-- Readings that were refused, kept for an operator to inspect and replay.
create table ingest.quarantine (
    quarantine_id bigint not null generated always as identity,
    tenant_id integer not null,
    received_at timestamp with time zone not null default now(),
    source text not null,
    code text not null,
    message text not null,
    reading jsonb not null,
    -- Whether its timestamp is the start or the end of its interval: replay reads it as it was
    -- sent.
    stamped text not null default 'start'::text,
    -- Of meter, time and energy (ingest.fingerprint): the same reading is kept once, however often
    -- it comes.
    fingerprint uuid not null default gen_random_uuid(),
    replayed_at timestamp with time zone,
    PRIMARY KEY (quarantine_id),
    UNIQUE (tenant_id, fingerprint),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    CHECK ((source = ANY (ARRAY['http'::text, 'queue'::text]))),
    CHECK ((stamped = ANY (ARRAY['start'::text, 'end'::text])))
);
CREATE INDEX quarantine_tenant ON ingest.quarantine USING btree (tenant_id, received_at);

create type ingest.judgement as (
    place bigint,
    tenant_id integer,
    reading jsonb,
    meter_id integer,
    ts timestamp with time zone,
    energy bigint,
    voltage real,
    current real,
    code text,
    message text
);

-- schema rollup
-- Readings summed per meter in 1m, 15m and 1h buckets, by whichever driver the TimescaleDB edition
-- allows.

-- Which days of a tenant are in rollup.store_day. When the tenant counts its days in another time
-- zone now, none are: they are stored again.
create table rollup.day_progress (
    tenant_id integer not null,
    -- The zone they were counted in.
    time_zone text not null,
    -- First of them.
    stored_from date not null,
    -- The day after the last of them.
    stored_until date not null,
    -- First instant of stored_from.
    begins_at timestamp with time zone not null,
    -- First instant of stored_until.
    ends_at timestamp with time zone not null,
    PRIMARY KEY (tenant_id),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    CHECK ((stored_until >= stored_from)),
    CHECK ((ends_at >= begins_at))
);

-- The rollups, finest first: each is summed from its source (null: from grid.reading).
create table rollup.definition (
    name text not null,
    -- Width of a bucket; a reading belongs to the bucket that time_bucket(width, ts) names.
    width interval not null,
    source text,
    -- How long a bucket is left to the live part of the view after its end, so that ordinary delays
    -- are not late.
    lag interval not null,
    -- Readings before it are logged in rollup.late by the insert trigger; it never moves back.
    threshold timestamp with time zone not null default '-infinity'::timestamp with time zone,
    -- Everything before it is in the store, but what rollup.late says; incremental driver: the view
    -- reads the store before it, and sums the readings from it on.
    materialised_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
    PRIMARY KEY (name),
    UNIQUE (width),
    FOREIGN KEY (source) REFERENCES rollup.definition(name),
    CHECK ((materialised_until <= threshold)),
    CHECK ((lag >= '00:00:00'::interval)),
    CHECK ((name ~ '^[0-9]+[mhd]$'::text)),
    CHECK ((width > '00:00:00'::interval))
);

-- What late readings added to which meters and buckets of a rollup, and is not in its store yet;
-- emptied by rollup.refresh().
create table rollup.late (
    name text not null,
    meter_id integer not null,
    bucket timestamp with time zone not null,
    -- How many readings one insert added.
    readings bigint not null,
    -- Their energy, mWh.
    energy bigint not null,
    energy_min bigint not null,
    energy_max bigint not null,
    -- Continuous aggregates: a refresh that may not have ended is at it. What comes meanwhile is
    -- not.
    taken boolean not null default false,
    CHECK ((readings > 0))
);
CREATE INDEX late_meter ON rollup.late USING btree (name, meter_id, bucket);
CREATE INDEX late_name ON rollup.late USING btree (name, bucket);

-- Which meters changed in which windows of days that were over; emptied by rollup.refresh(). See
-- grid.log_late_windows.
create table rollup.late_day (
    meter_id integer not null,
    window_start timestamp with time zone not null
);
CREATE INDEX late_day_meter ON rollup.late_day USING btree (meter_id);

-- The materialised part of rollup.reading_15m; energies in mWh. Written by rollup.refresh() alone.
create table rollup.store_15m (
    bucket timestamp with time zone not null,
    meter_id integer not null,
    readings bigint not null,
    energy bigint not null,
    energy_min bigint not null,
    energy_max bigint not null,
    PRIMARY KEY (meter_id, bucket) INCLUDE (readings, energy, energy_min, energy_max)
);
-- hypertable by bucket, a chunk every 112 days
CREATE INDEX store_15m_bucket ON rollup.store_15m USING brin (bucket) WITH (pages_per_range='32', autosummarize='on');

-- The materialised part of rollup.reading_1h; energies in mWh. Written by rollup.refresh() alone.
create table rollup.store_1h (
    bucket timestamp with time zone not null,
    meter_id integer not null,
    readings bigint not null,
    energy bigint not null,
    energy_min bigint not null,
    energy_max bigint not null,
    PRIMARY KEY (meter_id, bucket) INCLUDE (readings, energy, energy_min, energy_max)
);
-- hypertable by bucket, a chunk every 364 days
CREATE INDEX store_1h_bucket ON rollup.store_1h USING brin (bucket) WITH (pages_per_range='32', autosummarize='on');

-- The materialised part of rollup.reading_1m; energies in mWh. Written by rollup.refresh() alone.
create table rollup.store_1m (
    bucket timestamp with time zone not null,
    meter_id integer not null,
    readings bigint not null,
    energy bigint not null,
    energy_min bigint not null,
    energy_max bigint not null,
    PRIMARY KEY (meter_id, bucket) INCLUDE (readings, energy, energy_min, energy_max)
);
-- hypertable by bucket, a chunk every 7 days
CREATE INDEX store_1m_bucket ON rollup.store_1m USING brin (bucket) WITH (pages_per_range='32', autosummarize='on');

-- Finished days of meters, in the time zone of rollup.day_progress; energies in mWh. Written by
-- rollup.refresh() alone.
create table rollup.store_day (
    day date not null,
    meter_id integer not null,
    readings bigint not null,
    energy bigint not null,
    -- Energy of its 15 minutes with the most.
    energy_peak bigint not null,
    -- Start of the first 15 minutes with readings in it.
    first_bucket timestamp with time zone not null,
    -- Start of the last 15 minutes with readings in it.
    last_bucket timestamp with time zone not null,
    PRIMARY KEY (meter_id, day) INCLUDE (readings, energy, energy_peak, first_bucket, last_bucket),
    CHECK ((last_bucket >= first_bucket)),
    CHECK ((readings > 0))
);
-- hypertable by day, a chunk every 90 days

-- schema tariff
-- Plans and the published price of every region and window.

-- How a region is priced while the plan is valid; a null region means every region without a plan
-- of its own.
create table tariff.plan (
    plan_id integer not null generated always as identity,
    tenant_id integer not null,
    region_id integer,
    name text not null,
    validity tstzrange not null,
    -- Price at no load, tenant currency per kWh.
    base_price numeric(12,6) not null default 0.12,
    -- Multiplier reached at high_load.
    max_multiplier numeric(6,3) not null default 2.0,
    -- Load of a region in one window, mWh, at which the multiplier is max_multiplier.
    high_load bigint not null default 1000000000,
    PRIMARY KEY (plan_id),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    FOREIGN KEY (tenant_id, region_id) REFERENCES grid.region(tenant_id, region_id),
    EXCLUDE USING gist (tenant_id WITH =, COALESCE(region_id, 0) WITH =, validity WITH &&),
    CHECK (((base_price >= '-999999.999999'::numeric) AND (base_price <= 999999.999999))),
    CHECK ((high_load > 0)),
    CHECK ((max_multiplier >= (1)::numeric)),
    CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CHECK ((NOT isempty(validity)))
);

-- The published price of a region and window. Never changed, never deleted by late readings.
create table tariff.price (
    tenant_id integer not null,
    region_id integer not null,
    window_start timestamp with time zone not null,
    -- Tenant currency per kWh for energy used in the window.
    price numeric(12,6) not null,
    multiplier numeric(8,6),
    -- Load of the window before, mWh, from which the multiplier came; null, as multiplier and
    -- plan_id: the price was published from outside (rpc/publish_prices).
    load_energy bigint,
    plan_id integer,
    published_at timestamp with time zone not null default now(),
    PRIMARY KEY (region_id, window_start),
    FOREIGN KEY (plan_id) REFERENCES tariff.plan(plan_id),
    FOREIGN KEY (tenant_id, region_id) REFERENCES grid.region(tenant_id, region_id),
    CHECK ((num_nulls(multiplier, load_energy, plan_id) = ANY (ARRAY[0, 3]))),
    CHECK ((multiplier >= (1)::numeric)),
    CHECK (((price >= '-999999.999999'::numeric) AND (price <= 999999.999999)))
);
CREATE INDEX price_tenant ON tariff.price USING btree (tenant_id, window_start);

-- schema alert
-- Detection rules and the alerts they raised.

-- Something a meter did that a person should know. Repeats within the hour are counted, not raised
-- again.
create table alert.alert (
    alert_id bigint not null generated always as identity,
    tenant_id integer not null,
    region_id integer not null,
    meter_id integer not null,
    -- grid.meter.code of meter_id (meter_id in the API).
    meter_code text not null,
    kind text not null,
    severity text not null,
    status text not null default 'active'::text,
    -- End of the first window that shows it (time of the grid, not of the clock; see created_at).
    raised_at timestamp with time zone not null,
    last_seen_at timestamp with time zone not null,
    -- One hour from when it was first raised: the same meter and kind seen in it is counted here.
    -- Late readings move raised_at, never this.
    quiet_period tstzrange not null,
    occurrences integer not null default 1,
    -- The windows that show it, in order of time. What raised_at, last_seen_at, value and threshold
    -- say follows from them. A withdrawn alert keeps its last.
    sightings alert.sighting[] not null default '{}'::alert.sighting[],
    -- Energy of the latest window that showed it, mWh; null when silent.
    value bigint,
    threshold bigint,
    created_at timestamp with time zone not null default now(),
    acknowledged_at timestamp with time zone,
    acknowledged_by uuid,
    resolved_at timestamp with time zone,
    resolved_by uuid,
    -- Why it was withdrawn (its status is then resolved, by nobody); null: it stands, or a person
    -- settled it.
    withdrawn_reason text,
    PRIMARY KEY (alert_id),
    FOREIGN KEY (tenant_id, meter_id, meter_code) REFERENCES grid.meter(tenant_id, meter_id, code) ON UPDATE CASCADE,
    FOREIGN KEY (tenant_id, region_id) REFERENCES grid.region(tenant_id, region_id),
    EXCLUDE USING gist (meter_id WITH =, kind WITH =, quiet_period WITH &&) WHERE ((withdrawn_reason IS NULL)),
    CHECK (((status = 'acknowledged'::text) <= (acknowledged_at IS NOT NULL))),
    CHECK ((kind = ANY (ARRAY['high'::text, 'zero'::text, 'negative'::text, 'silent'::text]))),
    CHECK ((occurrences >= 1)),
    CHECK (((NOT lower_inf(quiet_period)) AND (NOT upper_inf(quiet_period)) AND (raised_at > (lower(quiet_period) - '01:00:00'::interval)) AND (raised_at < upper(quiet_period)))),
    CHECK (((status = 'resolved'::text) = (resolved_at IS NOT NULL))),
    CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
    CHECK ((status = ANY (ARRAY['active'::text, 'acknowledged'::text, 'resolved'::text]))),
    CHECK (((withdrawn_reason IS NULL) OR (status = 'resolved'::text)))
);
CREATE INDEX alert_meter ON alert.alert USING btree (meter_id, raised_at);
CREATE INDEX alert_meter_code ON alert.alert USING btree (tenant_id, meter_code, raised_at);
CREATE INDEX alert_open_newest ON alert.alert USING btree (tenant_id, raised_at) WHERE (status <> 'resolved'::text);
CREATE INDEX alert_tenant ON alert.alert USING btree (tenant_id, raised_at);

-- Meters of closed windows that are yet to be judged by the rules: too many for the transaction
-- that closed or restated the window. See alert.put_off.
create table alert.due (
    due_id bigint not null generated always as identity,
    tenant_id integer not null,
    window_start timestamp with time zone not null,
    totals grid.window_total[] not null,
    PRIMARY KEY (due_id),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id)
);
CREATE INDEX due_order ON alert.due USING btree (window_start DESC, due_id);

-- What raises an alert. An owner's rule for one meter beats the meter's, which beats the owner's,
-- which beats the tenant's.
create table alert.rule (
    rule_id integer not null generated always as identity,
    tenant_id integer not null,
    kind text not null,
    meter_id integer,
    user_id uuid,
    -- kind high: energy of one window, mWh, above which the alert is raised.
    threshold bigint,
    severity text not null default 'warning'::text,
    enabled boolean not null default true,
    PRIMARY KEY (rule_id),
    UNIQUE NULLS NOT DISTINCT (tenant_id, kind, meter_id, user_id),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    FOREIGN KEY (tenant_id, meter_id) REFERENCES grid.meter(tenant_id, meter_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES auth.user_account(tenant_id, user_id),
    CHECK (((threshold IS NULL) OR (kind = 'high'::text))),
    CHECK (((kind <> 'high'::text) OR (threshold IS NOT NULL))),
    CHECK ((kind = ANY (ARRAY['high'::text, 'zero'::text, 'negative'::text, 'silent'::text]))),
    CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
    CHECK ((threshold >= 0))
);

create type alert.sighting as (
    seen_at timestamp with time zone,
    energy bigint,
    threshold bigint
);

-- schema event
-- The outbox: every change worth telling, in commit order.

-- The outbox, written in the transaction of the change it tells. Read in (xid, id) order below the
-- snapshot's xmin.
create table event.log (
    xid xid8 not null default pg_current_xact_id(),
    id bigint not null generated always as identity,
    tenant_id integer not null,
    topic text not null,
    region_id integer,
    meter_id integer,
    -- What time of the grid it tells of: the window of a load or price; of an alert from the start
    -- of its first window to the end of its last. (at is when it was written.)
    happened tstzrange not null,
    payload jsonb not null,
    at timestamp with time zone not null default clock_timestamp(),
    PRIMARY KEY (xid, id),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    CHECK (((NOT isempty(happened)) AND (happened <@ tstzrange('0001-01-02 00:00:00+00'::timestamp with time zone, '9999-12-30 00:00:00+00'::timestamp with time zone)))),
    CHECK ((topic ~ '^[a-z]+\.[a-z_]+$'::text))
);
CREATE INDEX log_at ON event.log USING btree (at);
CREATE INDEX log_tenant ON event.log USING btree (tenant_id, xid, id);

-- One row. A cursor of another epoch, or before the pruned position, is answered with a gap.
create table event.state (
    singleton boolean not null default true,
    -- Seconds since 2025 when it began (event.begin_epoch): no two restores of one backup have the
    -- same.
    epoch integer not null default 1,
    -- System identifier of the cluster whose transaction ids the log holds. Another cluster's mean
    -- nothing here.
    cluster text not null,
    pruned_xid xid8 not null default '0'::xid8,
    pruned_id bigint not null default 0,
    PRIMARY KEY (singleton),
    CHECK (singleton)
);

-- schema auth
-- User accounts and the reading of token claims.

-- What a gateway or meter shows to send readings. Shown once when made; kept as its SHA-256.
create table auth.device_token (
    device_id uuid not null default gen_random_uuid(),
    tenant_id integer not null,
    name text not null,
    token_hash bytea not null,
    -- The only meters it may send for; null means all of the tenant.
    meter_ids integer[],
    -- Whether the device stamps a reading with the start or the end of its interval; null: as the
    -- tenant says.
    stamped text,
    created_by uuid not null,
    created_at timestamp with time zone not null default now(),
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    PRIMARY KEY (device_id),
    UNIQUE (token_hash),
    FOREIGN KEY (tenant_id, created_by) REFERENCES auth.user_account(tenant_id, user_id),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CHECK ((stamped = ANY (ARRAY['start'::text, 'end'::text]))),
    CHECK ((octet_length(token_hash) = 32))
);
CREATE INDEX device_token_tenant ON auth.device_token USING btree (tenant_id, created_at);

-- The newest code a person was sent for a purpose. Good once, for ten minutes and five attempts; a
-- new one replaces it.
create table auth.one_time_code (
    user_id uuid not null,
    purpose text not null,
    -- HMAC-SHA-256 under a key that only the auth worker has: the hash of six digits alone could be
    -- tried out.
    code_hash bytea not null,
    attempts integer not null default 0,
    created_at timestamp with time zone not null default now(),
    expires_at timestamp with time zone not null,
    used_at timestamp with time zone,
    PRIMARY KEY (user_id, purpose),
    FOREIGN KEY (user_id) REFERENCES auth.user_account(user_id),
    CHECK (((attempts >= 0) AND (attempts <= 5))),
    CHECK ((expires_at > created_at)),
    CHECK ((octet_length(code_hash) = 32)),
    CHECK ((purpose = ANY (ARRAY['verify'::text, 'reset'::text])))
);

-- One row: how strictly tokens are judged.
create table auth.policy (
    singleton boolean not null default true,
    -- Whether a person's token must name a live session (sid). True in production, where no tokens
    -- are made by hand.
    require_session boolean not null default false,
    PRIMARY KEY (singleton),
    CHECK (singleton)
);

-- SHA-256 of every refresh token of a session. Each is good for one use; a second use ends the
-- session.
create table auth.refresh_token (
    token_hash bytea not null,
    session_id uuid not null,
    issued_at timestamp with time zone not null default now(),
    used_at timestamp with time zone,
    PRIMARY KEY (token_hash),
    FOREIGN KEY (session_id) REFERENCES auth.session(session_id) ON DELETE CASCADE,
    CHECK ((octet_length(token_hash) = 32))
);
CREATE INDEX refresh_token_session ON auth.refresh_token USING btree (session_id);

-- One sign-in: the family of its refresh tokens. Access tokens name it (sid) and end with it.
create table auth.session (
    session_id uuid not null default gen_random_uuid(),
    tenant_id integer not null,
    user_id uuid not null,
    created_at timestamp with time zone not null default now(),
    -- Absolute: refreshing does not move it.
    expires_at timestamp with time zone not null,
    -- Last time it was refreshed.
    last_used_at timestamp with time zone not null default now(),
    revoked_at timestamp with time zone,
    user_agent text,
    address inet,
    PRIMARY KEY (session_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES auth.user_account(tenant_id, user_id),
    CHECK ((expires_at > created_at)),
    CHECK ((length(user_agent) <= 400))
);
CREATE INDEX session_expiry ON auth.session USING btree (expires_at);
CREATE INDEX session_of_user ON auth.session USING btree (tenant_id, user_id) WHERE (revoked_at IS NULL);

-- A person who may sign in. The token's sub claim is user_id.
create table auth.user_account (
    user_id uuid not null default gen_random_uuid(),
    tenant_id integer not null,
    -- Unique within the tenant, in its one form (auth.normal_address).
    email text not null,
    name text not null,
    -- consumer, operator and admin act within their tenant; platform_admin (tenant "platform" only)
    -- makes tenants.
    role text not null default 'consumer'::text,
    -- E.164, as +4930123456.
    phone text,
    -- Argon2id, in its usual text form with salt and parameters; null until one is set.
    password_hash text,
    preferences jsonb not null default '{}'::jsonb,
    created_at timestamp with time zone not null default now(),
    -- When the person proved that the mailbox is theirs; nobody signs in before.
    verified_at timestamp with time zone,
    -- From then on the account may do nothing; null while it is in use.
    disabled_at timestamp with time zone,
    -- When the personal data was erased; the row stays, because meters keep their history of
    -- owners.
    deleted_at timestamp with time zone,
    PRIMARY KEY (user_id),
    UNIQUE (tenant_id, email),
    UNIQUE (tenant_id, user_id),
    FOREIGN KEY (tenant_id) REFERENCES grid.tenant(tenant_id),
    CHECK (((email = lower(email)) AND ((length(email) >= 3) AND (length(email) <= 254)))),
    CHECK (((deleted_at IS NOT NULL) OR COALESCE((email = auth.normal_address(email)), false))),
    CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CHECK ((phone ~ '^\+[1-9][0-9]{6,14}$'::text)),
    CHECK ((jsonb_typeof(preferences) = 'object'::text)),
    CHECK ((role = ANY (ARRAY['consumer'::text, 'operator'::text, 'admin'::text, 'platform_admin'::text])))
);

-- schema upkeep
-- What looks after the jobs, and what is to be said of the platform's health.

-- The jobs that the last deploy scheduled, to schedule them again without one.
create table upkeep.job (
    name text not null,
    schedule text not null,
    command text not null,
    -- When it was scheduled last: until it has run, its age counts from then.
    scheduled_at timestamp with time zone not null,
    PRIMARY KEY (name)
);
