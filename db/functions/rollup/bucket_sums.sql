create function rollup.bucket_sums(name text, condition text) returns text
language sql stable
return (
    select
        format(
            'select public.time_bucket(%L::interval, s.bucket), s.meter_id, sum(s.readings)::bigint, '
            'sum(s.energy)::bigint, min(s.energy_min), max(s.energy_max) from rollup.%s as s where %s group by 1, 2',
            d.width, coalesce('store_' || d.source, 'reading_raw'), condition
        )
    from rollup.definition as d
    where d.name = bucket_sums.name
);

comment on function rollup.bucket_sums(text, text) is
'Incremental driver: the query that sums a rollup''s source (alias s) into its buckets under a condition.';
