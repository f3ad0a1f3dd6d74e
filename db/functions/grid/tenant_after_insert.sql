create trigger tenant_after_insert
after insert on grid.tenant
for each row execute function grid.prepare_tenant();

comment on trigger tenant_after_insert on grid.tenant is
'A new tenant starts with five regions, a tariff plan and alert rules.';
