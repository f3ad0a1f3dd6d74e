create function rollup.store_buckets(name text, since timestamptz, until timestamptz) returns void
language plpgsql
as $$
begin
    -- One statement, one snapshot: a reading and its log entries commit together, so the entries taken out here are
    -- exactly those whose readings are in the sums.
    execute format(
        $query$
        with counted as (
            delete from rollup.late as l where l.name = %1$L and l.bucket >= %2$L and l.bucket < %3$L
        )

        insert into rollup.store_%1$s as o (bucket, meter_id, readings, energy, energy_min, energy_max)
        %4$s
        on conflict (meter_id, bucket) do update
        set readings = excluded.readings, energy = excluded.energy,
            energy_min = excluded.energy_min, energy_max = excluded.energy_max
        $query$,
        name, since, until, rollup.bucket_sums(name, since, until)
    );
end;
$$;

comment on function rollup.store_buckets(text, timestamptz, timestamptz) is
'Incremental driver: sums the buckets of a rollup from since to before until into its store.';
