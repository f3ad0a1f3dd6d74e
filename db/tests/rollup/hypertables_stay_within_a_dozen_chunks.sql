-- A kept plan has every chunk in it. What continuous aggregates (TSL) are stored in is TimescaleDB's to cut up; there
-- this sees readings and days alone.
begin;
select plan(2);
create temporary view kept as
select
    d.hypertable_name::text as name,
    extract(epoch from r.keep) / extract(epoch from d.time_interval) as chunks
from timescaledb_information.dimensions as d
join grid.retention as r
    on r.name = case d.hypertable_name
            when 'reading' then 'readings'
            when 'store_day' then 'readings_15m'
            else replace(d.hypertable_name, 'store_', 'readings_')
        end
where d.hypertable_schema in ('grid', 'rollup');

select set_has(
    'select k.name from kept as k', $$ values ('reading'), ('store_day') $$, 'what is kept in chunks is looked at'
);
select is_empty(
    'select k.name, k.chunks from kept as k where k.chunks not between 6 and 13',
    'a dozen chunks or so by the end of what is kept'
);

select * from finish();
rollback;
