create function rollup.kept_from(name text) returns timestamptz
language sql stable
return (
    select
        public.time_bucket(d.width, r.dropped_before + d.width - interval '1 microsecond') -- the first that is whole
    from rollup.definition as d
    join grid.retention as r on r.name = concat_ws('_', 'readings', d.source)
    where d.name = kept_from.name
);

comment on function rollup.kept_from(text) is
'From when on everything that a rollup is summed from is kept; null where nothing has been dropped.';
