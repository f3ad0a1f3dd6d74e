create trigger region_load_prices
after insert on grid.region_load
referencing new table as added
for each statement execute function tariff.publish_prices();
comment on trigger region_load_prices on grid.region_load is 'Prices the next window, in the same transaction.';
