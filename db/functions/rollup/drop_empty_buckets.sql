create function rollup.drop_empty_buckets(name text, since timestamptz, until timestamptz) returns integer
language plpgsql
as $$
declare
    dropped integer;
begin
    execute format(
        $query$
        delete from rollup.store_%1$s as s
        where s.bucket >= %2$L and s.bucket < %3$L
          and not exists (
              select from (%4$s) as n (bucket, meter_id) where n.bucket = s.bucket and n.meter_id = s.meter_id
          )
        $query$,
        name, since, until, rollup.bucket_sums(name, since, until)
    );
    get diagnostics dropped = row_count;
    return dropped;
end;
$$;

comment on function rollup.drop_empty_buckets(text, timestamptz, timestamptz) is
'Incremental driver: removes the buckets from since to before until that have no readings. Returns how many.';
