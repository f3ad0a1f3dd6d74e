-- migrate:up
set local role segs_owner;

create table event.log (
    xid xid8 not null default pg_current_xact_id(),
    id bigint generated always as identity,
    tenant_id integer not null references grid.tenant,
    topic text not null check (topic ~ '^[a-z]+\.[a-z_]+$'),
    region_id integer,
    meter_id integer,
    -- who may hear it hangs on when it happened
    happened tstzrange not null,
    payload jsonb not null,
    at timestamptz not null default clock_timestamp(),
    primary key (xid, id),
    constraint log_happened check (
        not isempty(happened) and happened <@ tstzrange('0001-01-02 00:00Z', '9999-12-30 00:00Z')
    )
);
create index log_at on event.log (at);
create index log_tenant on event.log (tenant_id, xid, id);
alter table event.log enable row level security;
comment on table event.log is
'The outbox, written in the transaction of the change it tells. Read in (xid, id) order below the snapshot''s xmin.';
comment on column event.log.happened is
'What time of the grid it tells of: the window of a load or price; of an alert from the start of its first window to '
'the end of its last. (at is when it was written.)';

create table event.state (
    singleton boolean primary key default true check (singleton),
    epoch integer not null default 1,
    cluster text not null,
    pruned_xid xid8 not null default '0',
    pruned_id bigint not null default 0
);
insert into event.state (epoch, cluster)
select extract(epoch from now() - timestamptz '2025-01-01 00:00Z'), c.system_identifier::text
from pg_catalog.pg_control_system() as c;
alter table event.state enable row level security;
comment on table event.state is
'One row. A cursor of another epoch, or before the pruned position, is answered with a gap.';
comment on column event.state.epoch is
'Seconds since 2025 when it began (event.begin_epoch): no two restores of one backup have the same.';
comment on column event.state.cluster is
'System identifier of the cluster whose transaction ids the log holds. Another cluster''s mean nothing here.';
reset role;

-- migrate:down
set local role segs_owner;
drop table event.state;
drop table event.log;
reset role;
