-- migrate:up
set local role segs_owner;

create table grid.meter (
    meter_id integer generated always as identity primary key,
    tenant_id integer not null,
    region_id integer not null,
    code text not null check (code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
    kind text not null default 'one_way' check (kind in ('one_way', 'two_way')),
    connection_kw numeric check (connection_kw > 0 and connection_kw <= 1000000),
    installed_at timestamptz not null default now(),
    begins_at timestamptz,
    retired_at timestamptz check (retired_at > installed_at),
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    unique (tenant_id, code),
    unique (tenant_id, meter_id),
    -- what keeps the code in alert.alert the meter's
    constraint meter_code_of_id unique (tenant_id, meter_id, code)
);
create index meter_region on grid.meter (region_id);
alter table grid.meter enable row level security;
comment on table grid.meter is 'A smart meter. Its public name is code (meter_id in the API); meter_id is internal.';
comment on column grid.meter.kind is
'one_way: energy is only taken from the grid, in each window some; two_way: it may also be fed in (negative readings), '
'or nothing flow at all, as from panels at night.';
comment on column grid.meter.connection_kw is 'What the meter''s connection carries, kW; null: as the tenant says.';
comment on column grid.meter.begins_at is
'Start of the first window in which the meter sent; null before any. That nothing came earlier is no outage.';
comment on column grid.meter.retired_at is
'Since when it is out of service; null while it is in service. Times out of service before that: grid.meter_past.';

create policy meter_of_caller on grid.meter for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or meter_id = any((select auth.own_meter_ids())::integer[]))
);
grant select on grid.meter to segs_api;

-- Meters change over time. grid.meter has what holds now; here is what held before, so a meter that never changed costs
-- nothing, and a query of what was true in a window joins a small table (grid.meters_at).
create table grid.meter_past (
    meter_id integer not null,
    tenant_id integer not null,
    period tstzrange not null check (not isempty(period) and not upper_inf(period) and not upper_inc(period)),
    region_id integer not null,
    kind text not null check (kind in ('one_way', 'two_way')),
    retired boolean not null,
    foreign key (tenant_id, meter_id) references grid.meter (tenant_id, meter_id),
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    primary key (meter_id, period),
    exclude using gist (meter_id with =, period with &&)
);
alter table grid.meter_past enable row level security;
comment on table grid.meter_past is
'What was true of a meter before it changed: region, kind, whether retired. What holds now is in grid.meter.';
comment on column grid.meter_past.period is
'When it held; the first begins at -infinity, the next where the one before ends, and the last ends where what is '
'in grid.meter begins.';

create table grid.meter_ownership (
    meter_id integer not null,
    tenant_id integer not null,
    user_id uuid not null,
    period tstzrange not null check (not isempty(period) and not lower_inf(period)),
    foreign key (tenant_id, meter_id) references grid.meter (tenant_id, meter_id),
    foreign key (tenant_id, user_id) references auth.user_account (tenant_id, user_id),
    primary key (meter_id, period),
    -- Ownership ends where the next begins: two owners never share an instant, and views may take the bounds
    -- as they are.
    constraint meter_ownership_half_open check (lower_inc(period) and not upper_inc(period)),
    -- one owner at a time: a reading belongs to the one who owned the meter when it was taken
    exclude using gist (meter_id with =, period with &&)
);
create index meter_ownership_user on grid.meter_ownership (user_id);
alter table grid.meter_ownership enable row level security;
comment on table grid.meter_ownership is 'Who owned a meter, and when.';

create policy ownership_of_caller on grid.meter_ownership for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or user_id = (select auth.user_id()))
);
grant select on grid.meter_ownership to segs_api;
reset role;

-- migrate:down
set local role segs_owner;
drop table grid.meter_ownership;
drop table grid.meter_past;
drop table grid.meter;
reset role;
