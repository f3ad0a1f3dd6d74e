create trigger region_load_emits
after insert on grid.region_load
referencing new table as added
for each statement execute function event.on_region_load();
comment on trigger region_load_emits on grid.region_load is 'load.closed and load.restated, in the same transaction.';
