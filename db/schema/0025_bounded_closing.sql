-- migrate:up
set local role segs_owner;

-- The newest and the oldest late window of a tenant are found by index, whatever others have sent late.
alter table grid.late_window add column tenant_id integer references grid.tenant;
update grid.late_window as l set tenant_id = m.tenant_id from grid.meter as m where m.meter_id = l.meter_id;
alter table grid.late_window alter column tenant_id set not null;
drop index grid.late_window_start;
create index late_window_tenant on grid.late_window (tenant_id, window_start);

alter table grid.meter add column begins_at timestamptz;
comment on column grid.meter.begins_at is
'Start of the first window in which the meter sent; null before any. That nothing came earlier is no outage.';
reset role;

-- migrate:down
set local role segs_owner;
alter table grid.meter drop column begins_at;
alter table grid.late_window drop column tenant_id;
create index late_window_start on grid.late_window (window_start);
reset role;
