create procedure rollup.refresh_continuous_aggregates(at timestamptz)
language plpgsql
as $$
declare
    d rollup.definition;
    from_bucket timestamptz;
    until_bucket timestamptz;
begin
    for d in select * from rollup.definition order by width loop
        -- Never before the oldest readings kept, nor before what is kept of the source: refreshing a range that was
        -- dropped there would empty it here.
        select public.time_bucket(d.width, max(kept.since) + d.width - interval '1 microsecond')
        into from_bucket
        from (
            select min(c.range_start) as since
            from timescaledb_information.chunks as c
            where (c.hypertable_schema, c.hypertable_name) = ('grid', 'reading')
               or (c.hypertable_schema, c.hypertable_name) in (
                   select a.materialization_hypertable_schema, a.materialization_hypertable_name
                   from timescaledb_information.continuous_aggregates as a
                   where a.view_schema = 'rollup' and a.view_name = 'reading_' || d.source
               )
            group by c.hypertable_schema, c.hypertable_name
        ) as kept;
        until_bucket := rollup.closed_until(d.name, at);
        commit;
        if until_bucket > from_bucket then
            call public.refresh_continuous_aggregate('rollup.reading_' || d.name, from_bucket, until_bucket);
        end if;
    end loop;
end;
$$;

comment on procedure rollup.refresh_continuous_aggregates (timestamptz) is
'The continuous aggregate driver''s part of rollup.refresh().';
