-- migrate:up
set local role segs_owner;

-- A reading of an interval that does not divide a quarter of an hour tells of more windows than the one it begins in.
alter table grid.tenant
add column spreads boolean not null generated always as (mod(900, extract(epoch from reading_interval)) <> 0) stored;
create index tenant_spreads on grid.tenant (tenant_id) where spreads;
comment on column grid.tenant.spreads is
'Whether readings of this interval lie on more than one window: see grid.spread_readings.';

create table grid.past_interval (
    tenant_id integer not null references grid.tenant,
    until timestamptz not null,
    reading_interval interval not null,
    spreads boolean not null generated always as (mod(900, extract(epoch from reading_interval)) <> 0) stored,
    primary key (tenant_id, until)
);
alter table grid.past_interval enable row level security;
comment on table grid.past_interval is
'Which interval a tenant''s meters had for readings before a time; from the last one on, that of grid.tenant.';

alter table grid.reading add column whole bigint, add column part_of timestamptz;
comment on column grid.reading.energy is
'Energy in milliwatt-hours (1 kWh = 1,000,000 mWh) that counts in the window of ts; negative is fed in.';
comment on column grid.reading.whole is
'What the meter sent, mWh, where its interval reaches into other windows: energy is the share of the first one.';
comment on column grid.reading.part_of is
'Time of the reading of which this row is the share of a later window; null in what meters sent.';
-- What the meter sent is what another value for the same time, and another time, is compared with.
grant select (whole, part_of) on grid.reading to segs_ingest;
reset role;

-- migrate:down
set local role segs_owner;
delete from grid.reading where part_of is not null;
update grid.reading set energy = whole where whole is not null;
comment on column grid.reading.energy is
'Energy of the interval in milliwatt-hours (1 kWh = 1,000,000 mWh); negative is fed in.';
alter table grid.reading drop column whole, drop column part_of;
drop table grid.past_interval;
drop index grid.tenant_spreads;
alter table grid.tenant drop column spreads;
reset role;
