create function rollup.materialise(name text) returns boolean
language plpgsql
set enable_seqscan = off -- the index on ts knows ranges, not order: see rollup.newest_reading
as $$
declare
    d rollup.definition;
    source rollup.definition;
    first_reading timestamptz;
    from_bucket timestamptz;
    until_bucket timestamptz;
begin
    select * into strict d from rollup.definition as x where x.name = materialise.name for update;
    if d.source is null then
        until_bucket := d.threshold;
    else
        select * into strict source from rollup.definition as x where x.name = d.source;
        until_bucket := case when isfinite(source.materialised_until)
            then public.time_bucket(d.width, source.materialised_until) else source.materialised_until end;
    end if;
    if until_bucket <= d.materialised_until then
        return false;
    end if;

    -- At most 60 buckets a step, so that catching up after a long downtime is many small transactions. Mostly the next
    -- ones have readings; if not, the step begins where they go on.
    if isfinite(d.materialised_until) and exists (
        select from grid.reading as r
        where r.ts >= d.materialised_until and r.ts < least(until_bucket, d.materialised_until + 60 * d.width)
    ) then
        first_reading := d.materialised_until;
    else
        select r.ts into first_reading
        from grid.reading as r
        where r.ts >= d.materialised_until and r.ts < until_bucket
        order by r.ts
        limit 1;
    end if;
    if first_reading is not null then
        from_bucket := public.time_bucket(d.width, first_reading);
        until_bucket := least(until_bucket, from_bucket + 60 * d.width);
        execute format(
            'insert into rollup.store_%s (bucket, meter_id, readings, energy, energy_min, energy_max) %s',
            d.name, rollup.bucket_sums(d.name, format('s.bucket >= %L and s.bucket < %L', from_bucket, until_bucket))
        );
    end if;
    update rollup.definition as x
    set materialised_until = until_bucket, threshold = greatest(x.threshold, until_bucket)
    where x.name = d.name;
    return true;
end;
$$;

comment on function rollup.materialise(text) is
'Incremental driver, step 2: sums the next closed buckets of a rollup into its store; false when there are none left.';
