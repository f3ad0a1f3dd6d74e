-- migrate:up
set local role segs_owner;

create table grid.reading (
    ts timestamptz not null,
    meter_id integer not null,
    energy bigint not null check (energy between -10000000000 and 10000000000),
    whole bigint,
    part_of timestamptz,
    voltage real check (voltage between 0 and 1000000),
    current real check (current between -100000 and 100000),
    quality smallint not null default 0 check (quality between 0 and 3),
    received_at timestamptz not null default now(),
    unique (meter_id, ts)
);
-- A query that is planned once for all values has every chunk in its plan: each is locked, started and asked whether it
-- can be left out, some 20 us a chunk. So no hypertable is to have many more than a dozen (decision 0012).
select public.create_hypertable(
    'grid.reading', 'ts', chunk_time_interval => interval '7 days', create_default_indexes => false
);
-- Readings arrive nearly in order of time: block ranges find a window's readings in a few pages, read them in the order
-- in which they lie (half the time of a btree, which goes to and fro within a minute), and cost an insert next to
-- nothing. Ranges summarise themselves as they fill.
create index reading_ts on grid.reading using brin (ts) with (pages_per_range = 32, autosummarize = on);
comment on table grid.reading is
'What meters measured: immutable facts. A retry cannot count twice (unique meter_id, ts).';
comment on column grid.reading.ts is
'Start of the interval measured; the reading counts in the bucket and window that hold it.';
comment on column grid.reading.energy is
'Energy in milliwatt-hours (1 kWh = 1,000,000 mWh) that counts in the window of ts; negative is fed in.';
comment on column grid.reading.whole is
'What the meter sent, mWh, where its interval reaches into other windows: energy is the share of the first one.';
comment on column grid.reading.part_of is
'Time of the reading of which this row is the share of a later window; null in what meters sent.';
comment on column grid.reading.voltage is 'Mean voltage of the interval, V.';
comment on column grid.reading.current is 'Mean current of the interval, A.';
comment on column grid.reading.quality is '0 measured, 1 estimated, 2 substituted, 3 corrected.';

grant select on grid.reading to segs_api;
-- The ingest worker appends; it reads back what ON CONFLICT needs, and what tells a retry from another value: what the
-- meter sent.
grant insert (ts, meter_id, energy, voltage, current, quality) on grid.reading to segs_ingest;
grant select (ts, meter_id, energy, whole, part_of) on grid.reading to segs_ingest;
reset role;

-- migrate:down
set local role segs_owner;
drop table grid.reading;
reset role;
