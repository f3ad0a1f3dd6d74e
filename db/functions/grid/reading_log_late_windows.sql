create trigger reading_log_late_windows
after insert on grid.reading
referencing new table as inserted
for each statement execute function grid.log_late_windows();

comment on trigger reading_log_late_windows on grid.reading is
'Logs late readings for restatement of closed windows.';
