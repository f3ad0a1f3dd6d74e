begin;
select plan(4);

select is(grid.window_start('2026-03-02 12:00:00Z'), '2026-03-02 12:00:00Z', 'a window holds its own start');
select is(grid.window_start('2026-03-02 12:14:59.999999Z'), '2026-03-02 12:00:00Z', 'and everything before its end');
select is(grid.window_start('2026-03-02 12:15:00Z'), '2026-03-02 12:15:00Z', 'its end belongs to the next one');
select is(
    grid.window_start('2026-03-29 03:00:00+02'), '2026-03-29 01:00:00Z', 'clock changes of a time zone do not matter'
);

select * from finish();
rollback;
