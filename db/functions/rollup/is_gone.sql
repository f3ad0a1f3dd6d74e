-- Readings are facts and only ever added: where the store has more of them than its source, these were dropped.
create function rollup.is_gone(name text, since timestamptz, until timestamptz) returns boolean
language plpgsql stable
as $$
declare
    gone boolean;
begin
    if since < rollup.kept_from(name) then
        return true;
    end if;
    execute format(
        $query$
        select exists (
            select from (select o.* from %1$s as o where o.bucket >= %2$L and o.bucket < %3$L) as s
            left join (%4$s) as n (bucket, meter_id, readings) on n.meter_id = s.meter_id and n.bucket = s.bucket
            where s.readings > coalesce(n.readings, 0)
        )
        $query$,
        rollup.stored_relation(name), since, until, rollup.bucket_sums(name, since, until)
    ) into gone;
    return gone;
end;
$$;

comment on function rollup.is_gone(text, timestamptz, timestamptz) is
'Whether some of what the buckets from since to before until were summed from has been dropped: summing them again '
'would lose it.';
