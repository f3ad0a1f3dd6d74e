-- migrate:up
set local role segs_owner;

create table alert.due (
    due_id bigint generated always as identity primary key,
    tenant_id integer not null references grid.tenant,
    window_start timestamptz not null,
    totals grid.window_total[] not null
);
create index due_order on alert.due (window_start desc, due_id);
alter table alert.due enable row level security;
comment on table alert.due is
'Meters of closed windows that are yet to be judged by the rules: too many for the transaction that closed or restated '
'the window. See alert.put_off.';
reset role;

-- migrate:down
drop table alert.due;
