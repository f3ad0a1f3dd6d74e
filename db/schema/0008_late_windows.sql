-- migrate:up
set local role segs_owner;

-- After an outage of many meters the log is long: restatement takes it window by window.
create index late_window_start on grid.late_window (window_start);
reset role;

-- migrate:down
set local role segs_owner;
drop index grid.late_window_start;
reset role;
