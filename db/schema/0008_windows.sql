-- migrate:up
set local role segs_owner;

create table grid.window_progress (
    tenant_id integer primary key references grid.tenant,
    sealed_until timestamptz not null,
    closed_until timestamptz not null check (closed_until <= sealed_until)
);
alter table grid.window_progress enable row level security;
comment on table grid.window_progress is
'How far each tenant''s windows are closed. Readings before sealed_until are late and are logged for restatement.';

-- No key: each insert appends what it added, and waits for nobody.
create table grid.late_window (
    tenant_id integer not null references grid.tenant,
    meter_id integer not null,
    window_start timestamptz not null,
    readings bigint check (readings > 0),
    energy bigint,
    logged_at timestamptz not null default now()
);
-- The newest and the oldest late window of a tenant are found by index, whatever others have sent late.
create index late_window_tenant on grid.late_window (tenant_id, window_start);
alter table grid.late_window enable row level security;
comment on table grid.late_window is
'What came late, per meter and window, after the window was sealed; emptied by closing and by restatement.';
comment on column grid.late_window.readings is
'How many readings one insert added; null if unknown: the window is then summed again.';
comment on column grid.late_window.energy is 'Their energy, mWh.';

create table grid.region_load (
    tenant_id integer not null,
    region_id integer not null,
    window_start timestamptz not null,
    revision integer not null default 1 check (revision >= 1),
    energy bigint not null,
    meters integer not null check (meters >= 0),
    readings bigint not null check (readings >= 0),
    closed_at timestamptz not null default now(),
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    primary key (region_id, window_start, revision)
);
create index region_load_tenant on grid.region_load (tenant_id, window_start);
alter table grid.region_load enable row level security;
comment on table grid.region_load is
'Energy of a region in a closed 15-minute window. A late reading adds a revision; none is ever changed.';
comment on column grid.region_load.energy is 'Sum over the region''s meters, mWh.';
comment on column grid.region_load.meters is 'Meters that sent at least one reading in the window.';

create policy load_of_caller on grid.region_load for select to segs_api
using (tenant_id = (select auth.tenant_id()) and (select auth.sees_tenant()));
grant select on grid.region_load to segs_api;

create type grid.window_total as (meter_id integer, region_id integer, readings bigint, energy bigint);
comment on type grid.window_total is 'What one meter sent in one window: number of readings, and their energy in mWh.';
reset role;

-- migrate:down
set local role segs_owner;
drop type grid.window_total;
drop table grid.region_load;
drop table grid.late_window;
drop table grid.window_progress;
reset role;
