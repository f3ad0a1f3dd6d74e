create function rollup.bucket_sums(name text, since timestamptz, until timestamptz) returns text
language sql stable
return (
    select
        format(
            'select public.time_bucket(%L::interval, s.bucket), s.meter_id, sum(s.readings)::bigint, '
            'sum(s.energy)::bigint, min(s.energy_min), max(s.energy_max) from rollup.reading_%s as s '
            'where s.bucket >= %L and s.bucket < %L group by 1, 2',
            d.width, coalesce(d.source, 'raw'), since, until
        )
    from rollup.definition as d
    where d.name = bucket_sums.name
);

comment on function rollup.bucket_sums(text, timestamptz, timestamptz) is
'The query that sums a rollup''s source into its buckets from since to before until.';
