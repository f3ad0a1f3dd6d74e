create trigger region_load_follows
after insert on grid.region_load
referencing new table as added
for each statement execute function grid.follow_loads();
comment on trigger region_load_follows on grid.region_load is
'load.closed or load.restated, then the next window''s price, in the same transaction.';
