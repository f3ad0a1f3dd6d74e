create trigger reading_log_late
after insert on grid.reading
referencing new table as inserted
for each statement execute function rollup.log_late();

comment on trigger reading_log_late on grid.reading is
'Logs late readings for the rollups.';
