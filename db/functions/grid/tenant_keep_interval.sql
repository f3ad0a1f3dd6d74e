create trigger tenant_keep_interval
after update of reading_interval on grid.tenant
for each row when (old.reading_interval <> new.reading_interval) execute function grid.keep_interval();

comment on trigger tenant_keep_interval on grid.tenant is 'Keeps the interval of the readings before.';
