-- migrate:up
set local role segs_owner;

alter table grid.tenant
add column connection_kw numeric not null default 1000 check (connection_kw > 0 and connection_kw <= 1000000),
add column stamped text not null default 'start' check (stamped in ('start', 'end'));
comment on column grid.tenant.connection_kw is
'What the connection of a meter carries, kW, where grid.meter says nothing: no reading may tell of more.';
comment on column grid.tenant.stamped is
'Whether its meters stamp a reading with the start or the end of its interval, where the device says nothing.';

alter table grid.meter
add column connection_kw numeric check (connection_kw > 0 and connection_kw <= 1000000);
comment on column grid.meter.connection_kw is 'What the meter''s connection carries, kW; null: as the tenant says.';

alter table auth.device_token add column stamped text check (stamped in ('start', 'end'));
comment on column auth.device_token.stamped is
'Whether the device stamps a reading with the start or the end of its interval; null: as the tenant says.';
grant select (stamped) on auth.device_token to segs_api;

alter table ingest.quarantine add column stamped text not null default 'start' check (stamped in ('start', 'end'));
comment on column ingest.quarantine.stamped is
'Whether its timestamp is the start or the end of its interval: replay reads it as it was sent.';

alter table ingest.limits
add column min_spacing interval not null default '1 second' check (min_spacing >= interval '0');
comment on column ingest.limits.min_spacing is
'Two readings of a meter are not closer to each other in time. 0 where meters send more often.';
reset role;

-- migrate:down
set local role segs_owner;
alter table ingest.limits drop column min_spacing;
alter table ingest.quarantine drop column stamped;
alter table auth.device_token drop column stamped;
alter table grid.meter drop column connection_kw;
alter table grid.tenant drop column connection_kw, drop column stamped;
reset role;
