-- Triggers of an event fire by name: this one before those that log what is late, which see the shares by themselves.
create trigger reading_intervals
after insert on grid.reading
referencing new table as inserted
for each statement execute function grid.spread_readings();

comment on trigger reading_intervals on grid.reading is 'Spreads intervals longer than a window over their windows.';
