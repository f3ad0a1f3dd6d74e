begin;
select plan(5);

create temporary view chunk as
select c.range_start
from timescaledb_information.chunks as c
where c.hypertable_schema = 'grid' and c.hypertable_name = 'reading'
    and c.range_start <= '2031-03-03 12:00:00Z' and c.range_end > '2031-03-03 12:00:00Z';
select is_empty('table chunk', 'tomorrow has no chunk');
select is(grid.prepare_chunks('2031-03-02 12:00:00Z'), true, 'it is made');
select results_eq('select count(*) from chunk', 'values (1::bigint)', 'and is there');
select is_empty($$ select from grid.reading where ts >= '2031-03-03Z' $$, 'with nothing in it');
select is(grid.prepare_chunks('2031-03-02 13:00:00Z'), false, 'and not made again');

select * from finish();
rollback;
