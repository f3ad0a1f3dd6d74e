create function grid.kept_since(name text, at timestamptz) returns timestamptz
language sql stable
return (
    select
        case
            when r.keep is null then '-infinity'
            -- A late reading must find the readings and buckets it is summed with, those of its day too.
            when r.name like 'readings%' then at - greatest(r.keep, l.max_age + interval '2 days')
            else at - r.keep
        end
    from grid.retention as r
    cross join ingest.limits as l
    where r.name = kept_since.name
);

comment on function grid.kept_since(text, timestamptz) is
'What is older than this goes, by grid.retention; -infinity where everything is kept.';
