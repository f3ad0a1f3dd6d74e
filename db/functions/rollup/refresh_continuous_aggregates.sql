create procedure rollup.refresh_continuous_aggregates(at timestamptz)
language plpgsql
as $$
declare
    d rollup.definition;
    from_bucket timestamptz;
    until_bucket timestamptz;
begin
    for d in select * from rollup.definition order by width loop
        -- Never before the oldest readings kept: refreshing a range whose readings were dropped would empty it.
        select public.time_bucket(d.width, min(c.range_start) + d.width - interval '1 microsecond')
        into from_bucket
        from timescaledb_information.chunks as c
        where c.hypertable_schema = 'grid' and c.hypertable_name = 'reading';
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
