-- migrate:up
set local role segs_owner;

create table tariff.plan (
    plan_id integer generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    region_id integer,
    name text not null check (length(name) between 1 and 200),
    validity tstzrange not null check (not isempty(validity)),
    -- NaN is greater than every number.
    base_price numeric(12, 6) not null default 0.12 check (base_price between -999999.999999 and 999999.999999),
    max_multiplier numeric(6, 3) not null default 2.0 check (max_multiplier >= 1),
    high_load bigint not null default 1000000000 check (high_load > 0),
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    -- one plan at a time for a region, and one for "every other region" (null)
    exclude using gist (tenant_id with =, coalesce(region_id, 0) with =, validity with &&)
);
alter table tariff.plan enable row level security;
comment on table tariff.plan is
'How a region is priced while the plan is valid; a null region means every region without a plan of its own.';
comment on column tariff.plan.base_price is 'Price at no load, tenant currency per kWh.';
comment on column tariff.plan.max_multiplier is 'Multiplier reached at high_load.';
comment on column tariff.plan.high_load is
'Load of a region in one window, mWh, at which the multiplier is max_multiplier.';

create policy plan_of_caller on tariff.plan for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and (
        (select auth.sees_tenant())
        or region_id is null
        or region_id = any((select auth.own_region_ids())::integer[])
    )
);
grant select on tariff.plan to segs_api;

-- A price is made of a plan and a load, or comes from outside (a day-ahead market) and has neither.
create table tariff.price (
    tenant_id integer not null,
    region_id integer not null,
    window_start timestamptz not null,
    price numeric(12, 6) not null check (price between -999999.999999 and 999999.999999),
    multiplier numeric(8, 6) check (multiplier >= 1),
    load_energy bigint,
    plan_id integer references tariff.plan,
    published_at timestamptz not null default now(),
    foreign key (tenant_id, region_id) references grid.region (tenant_id, region_id),
    primary key (region_id, window_start),
    constraint price_is_made_or_given check (num_nulls(multiplier, load_energy, plan_id) in (0, 3))
);
create index price_tenant on tariff.price (tenant_id, window_start);
alter table tariff.price enable row level security;
comment on table tariff.price is
'The published price of a region and window. Never changed, never deleted by late readings.';
comment on column tariff.price.price is 'Tenant currency per kWh for energy used in the window.';
comment on column tariff.price.load_energy is
'Load of the window before, mWh, from which the multiplier came; null, as multiplier and plan_id: the price was '
'published from outside (rpc/publish_prices).';

create policy price_of_caller on tariff.price for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or region_id = any((select auth.own_region_ids())::integer[]))
);
grant select on tariff.price to segs_api;
reset role;

-- migrate:down
set local role segs_owner;
drop table tariff.price;
drop table tariff.plan;
reset role;
