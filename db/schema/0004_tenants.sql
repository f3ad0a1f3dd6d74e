-- migrate:up
set local role segs_owner;

create table grid.tenant (
    tenant_id integer generated always as identity primary key,
    code text not null unique check (code ~ '^[a-z][a-z0-9-]{1,31}$'),
    name text not null check (length(name) between 1 and 200),
    -- A check that asked the server which zones it knows would stop the restore of a dump on one that knows fewer. What
    -- may be chosen is looked at when it is chosen (trigger tenant_zone_is_known), which a restore does not
    -- pass through.
    time_zone text not null default 'UTC' check (time_zone ~ '^[A-Za-z][A-Za-z0-9_+/-]{1,63}$'),
    currency char(3) not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
    reading_interval interval not null default '1 minute'
    check (reading_interval between interval '1 second' and interval '1 day'),
    -- A reading of an interval that does not divide a quarter of an hour tells of more windows than the one
    -- it begins in.
    spreads boolean not null generated always as (mod(900, extract(epoch from reading_interval)) <> 0) stored,
    stamped text not null default 'start' check (stamped in ('start', 'end')),
    connection_kw numeric not null default 1000 check (connection_kw > 0 and connection_kw <= 1000000),
    created_at timestamptz not null default now()
);
create index tenant_spreads on grid.tenant (tenant_id) where spreads;
alter table grid.tenant enable row level security;
comment on table grid.tenant is 'A utility company. Every business row belongs to one.';
comment on column grid.tenant.time_zone is 'IANA zone in which the tenant counts days and months.';
comment on column grid.tenant.reading_interval is
'How often a meter is expected to send: what readings received are held against.';
comment on column grid.tenant.spreads is
'Whether readings of this interval lie on more than one window: see grid.spread_readings.';
comment on column grid.tenant.stamped is
'Whether its meters stamp a reading with the start or the end of its interval, where the device says nothing.';
comment on column grid.tenant.connection_kw is
'What the connection of a meter carries, kW, where grid.meter says nothing: no reading may tell of more.';

create policy tenant_of_caller on grid.tenant for select to segs_api
using (tenant_id = (select auth.tenant_id()));
-- Platform administrators list tenants; what is in them stays out of their reach.
create policy tenant_of_platform on grid.tenant for select to segs_api
using (
    (select current_setting('role', true)) = 'platform_admin'
    and (select auth.claims()) ->> 'tenant' = 'platform'
);
grant select on grid.tenant to segs_api;

-- The platform's own tenant has people and no grid: no regions, plan or rules (those a trigger makes).
insert into grid.tenant (code, name) values ('platform', 'SEGS platform');

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

create table grid.region (
    region_id integer generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    code text not null check (code ~ '^[a-z][a-z0-9-]{1,31}$'),
    name text not null check (length(name) between 1 and 200),
    unique (tenant_id, code),
    unique (tenant_id, region_id)
);
alter table grid.region enable row level security;
comment on table grid.region is 'A part of a tenant''s grid that is priced by its own load.';

create policy region_of_caller on grid.region for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or region_id = any((select auth.own_region_ids())::integer[]))
);
grant select on grid.region to segs_api;
reset role;

-- migrate:down
set local role segs_owner;
drop table grid.region;
drop table grid.past_interval;
drop table grid.tenant;
reset role;
