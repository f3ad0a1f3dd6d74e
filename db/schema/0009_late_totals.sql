-- migrate:up
set local role segs_owner;

-- What came late, so that a load can be restated by it alone.
alter table grid.late_window
add column readings bigint check (readings > 0),
add column energy bigint;
comment on table grid.late_window is
'What came late, per meter and window, after the window was sealed; emptied by closing and by restatement.';
comment on column grid.late_window.readings is
'How many readings one insert added; null if unknown: the window is then summed again.';
comment on column grid.late_window.energy is 'Their energy, mWh.';
reset role;

-- migrate:down
set local role segs_owner;
comment on table grid.late_window is
'Meter and window that a late reading changed after the window was sealed; emptied by restatement.';
alter table grid.late_window drop column readings, drop column energy;
reset role;
