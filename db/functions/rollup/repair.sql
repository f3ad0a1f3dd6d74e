create procedure rollup.repair(
    since timestamptz default '-infinity', until timestamptz default 'infinity', even_if_fewer boolean default false
)
language plpgsql
as $$
declare
    d rollup.definition;
    first_bucket timestamptz;
    last_bucket timestamptz;
begin
    for d in select * from rollup.definition order by width loop
        -- Where its source is kept, as far as it is materialised: the rest is summed when it is read.
        select
            public.time_bucket(d.width, greatest(repair.since, min(c.range_start), rollup.kept_from(d.name))),
            least(repair.until, d.materialised_until)
        into first_bucket, last_bucket
        from timescaledb_information.chunks as c
        where format('%I.%I', c.hypertable_schema, c.hypertable_name)
            = case when d.source is null then 'grid.reading' else rollup.stored_relation(d.source) end
        having count(*) > 0;
        commit;
        while first_bucket < last_bucket loop
            call rollup.repair_range(
                d.name, first_bucket, least(first_bucket + 60 * d.width, d.materialised_until), even_if_fewer
            );
            first_bucket := first_bucket + 60 * d.width;
        end loop;
    end loop;
    -- Days are forgotten, and stored again by the next refreshes; meanwhile they are summed from their buckets.
    update rollup.day_progress set time_zone = '';
end;
$$;

comment on procedure rollup.repair (timestamptz, timestamptz, boolean) is
'Sums every rollup again from since to until, finest first, where what it is summed from is kept; then the days. '
'Where a rollup has readings that its source has not, it stays as it is, with a warning, unless even_if_fewer. Safe '
'beside everything else.';
