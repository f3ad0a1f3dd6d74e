-- migrate:up
set local role segs_owner;

-- Readings arrive nearly in order of time: block ranges find a window's readings in a few pages, read them in the order
-- in which they lie (half the time of a btree, which goes to and fro within a minute), and cost an insert next to
-- nothing. Ranges summarise themselves as they fill.
drop index grid.reading_ts;
create index reading_ts on grid.reading using brin (ts) with (pages_per_range = 32, autosummarize = on);
reset role;

-- migrate:down
set local role segs_owner;
drop index grid.reading_ts;
create index reading_ts on grid.reading (ts);
reset role;
