create trigger tenant_zone_is_known
before insert or update of time_zone on grid.tenant
for each row when (new.time_zone <> 'UTC')
execute function grid.refuse_unknown_zone();

comment on trigger tenant_zone_is_known on grid.tenant is
'A trigger, not a constraint: dumps restore on servers that know fewer zones.';
