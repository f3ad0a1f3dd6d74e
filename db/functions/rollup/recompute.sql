create function rollup.recompute(name text, max_buckets integer default 20000) returns integer
language plpgsql
as $$
declare
    d rollup.definition;
    coarser rollup.definition;
    first_bucket timestamptz;
    last_bucket timestamptz;
    recomputed integer;
begin
    select * into strict d from rollup.definition as x where x.name = recompute.name for update;
    select * into coarser from rollup.definition as x where x.source = d.name;
    select min(l.bucket), max(l.bucket) into first_bucket, last_bucket
    from (
        select x.bucket from rollup.late as x where x.name = d.name and x.bucket < d.materialised_until
        order by x.bucket limit max_buckets
    ) as l;
    if first_bucket is null then
        return 0;
    end if;

    -- One statement, one snapshot: a reading and its log entry commit together, so every entry taken here has its
    -- readings in the sums. The lateral join keeps the cost to the meters and buckets that changed.
    execute format(
        $query$
        with taken as (
            delete from rollup.late as l
            where l.name = %1$L and l.bucket between %2$L and %3$L
            returning l.meter_id, l.bucket
        ),

        changed as materialized (select distinct t.meter_id, t.bucket from taken as t),

        stored as (
            insert into rollup.store_%1$s as o (bucket, meter_id, readings, energy, energy_min, energy_max)
            select n.* from changed as c cross join lateral (%4$s) as n
            on conflict (meter_id, bucket) do update
            set readings = excluded.readings, energy = excluded.energy,
                energy_min = excluded.energy_min, energy_max = excluded.energy_max
            returning o.meter_id, o.bucket
        ),

        cascaded as (
            insert into rollup.late (name, meter_id, bucket)
            select distinct %5$L, s.meter_id, public.time_bucket(%6$L::interval, s.bucket)
            from stored as s
            where %5$L is not null and s.bucket < %7$L
        )

        select count(*) from stored
        $query$,
        d.name, first_bucket, last_bucket,
        rollup.bucket_sums(
            d.name,
            format(
                's.meter_id = c.meter_id and s.bucket >= c.bucket and s.bucket < c.bucket + %L::interval'
                ' and s.bucket >= %L and s.bucket < %L', d.width, first_bucket, last_bucket + d.width
            )
        ),
        coarser.name, coarser.width, coarser.materialised_until
    ) into recomputed;
    return recomputed;
end;
$$;

comment on function rollup.recompute(text, integer) is
'Incremental driver, step 3: recomputes the logged meters and buckets of a rollup, oldest first, and logs them for the
next coarser one. Returns how many; 0 when the log is empty.';
