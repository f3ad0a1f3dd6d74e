create function rollup.recompute(name text, max_entries integer default 20000) returns integer
language plpgsql
as $$
declare
    taken integer;
begin
    -- Added to what is stored, never summed from the source again: that may have been dropped.
    execute format(
        $query$
        with taken as (
            delete from rollup.late as l
            where l.ctid = any (array(
                select x.ctid
                from rollup.late as x
                where x.name = %1$L
                  and x.bucket < (select d.materialised_until from rollup.definition as d where d.name = %1$L)
                order by x.bucket
                limit $1
            ))
            returning l.meter_id, l.bucket, l.readings, l.energy, l.energy_min, l.energy_max
        ),

        stored as (
            insert into rollup.store_%1$s as o (bucket, meter_id, readings, energy, energy_min, energy_max)
            select t.bucket, t.meter_id, sum(t.readings)::bigint, sum(t.energy)::bigint, min(t.energy_min), max(t.energy_max)
            from taken as t
            group by t.bucket, t.meter_id
            on conflict (meter_id, bucket) do update
            set readings = o.readings + excluded.readings, energy = o.energy + excluded.energy,
                energy_min = least(o.energy_min, excluded.energy_min),
                energy_max = greatest(o.energy_max, excluded.energy_max)
        )

        select count(*) from taken
        $query$,
        name
    ) into taken using max_entries;
    return taken;
end;
$$;

comment on function rollup.recompute(text, integer) is
'Incremental driver, step 3: adds what came late to the stored buckets of a rollup, oldest first. Returns how many '
'entries of rollup.late it took; 0 when there are none left.';
