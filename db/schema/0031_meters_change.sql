-- migrate:up
set local role segs_owner;

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

comment on column grid.meter.kind is
'one_way: energy is only taken from the grid, in each window some; two_way: it may also be fed in (negative readings), '
'or nothing flow at all, as from panels at night.';
comment on column grid.meter.retired_at is
'Since when it is out of service; null while it is in service. Times out of service before that: grid.meter_past.';

create or replace function auth.own_region_ids() returns integer[]
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(array_agg(distinct r.region_id), '{}')
        from (
            select m.region_id from grid.meter as m where m.meter_id = any (auth.own_meter_ids())
            union all
            select p.region_id from grid.meter_past as p where p.meter_id = any (auth.own_meter_ids())
        ) as r
    );
end;
$$;
reset role;

-- migrate:down
set local role segs_owner;
create or replace function auth.own_region_ids() returns integer[]
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(array_agg(distinct m.region_id), '{}')
        from grid.meter as m
        where m.meter_id = any (auth.own_meter_ids())
    );
end;
$$;
comment on column grid.meter.retired_at is null;
comment on column grid.meter.kind is
'one_way: energy is only taken from the grid; two_way: it may also be fed in (negative readings).';
drop table grid.meter_past;
reset role;
