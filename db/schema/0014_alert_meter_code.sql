-- migrate:up
set local role segs_owner;

-- Staff page through their tenant's alerts, newest first, and look for those of one meter by its public name. With the
-- name in the alert both are walks along an index; with a join to grid.meter every alert would be joined before the
-- first page is cut off. The foreign key keeps the name the meter's.
alter table grid.meter add constraint meter_code_of_id unique (tenant_id, meter_id, code);
alter table alert.alert add column meter_code text;
update alert.alert as a
set meter_code = m.code
from grid.meter as m
where m.meter_id = a.meter_id;
-- The update's triggers, before the table can be altered.
set constraints all immediate;
alter table alert.alert
alter column meter_code set not null,
drop constraint alert_tenant_id_meter_id_fkey,
add constraint alert_meter_fkey foreign key (tenant_id, meter_id, meter_code)
references grid.meter (tenant_id, meter_id, code) on update cascade;
comment on column alert.alert.meter_code is 'grid.meter.code of meter_id (meter_id in the API).';

create index alert_meter_code on alert.alert (tenant_id, meter_code, raised_at);
-- What it was for, the index above and alert_open_newest do.
drop index alert.alert_open;
reset role;

-- migrate:down
set local role segs_owner;
create index alert_open on alert.alert (tenant_id, meter_id) where status <> 'resolved';
drop index alert.alert_meter_code;
alter table alert.alert
drop constraint alert_meter_fkey,
add foreign key (tenant_id, meter_id) references grid.meter (tenant_id, meter_id),
drop column meter_code;
alter table grid.meter drop constraint meter_code_of_id;
reset role;
