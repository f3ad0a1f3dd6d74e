create function rollup.mark_materialised(name text, until timestamptz) returns void
language sql
begin atomic
    update rollup.definition as d
    set materialised_until = mark_materialised.until, threshold = greatest(d.threshold, mark_materialised.until)
    where d.name = mark_materialised.name;
end;

comment on function rollup.mark_materialised(text, timestamptz) is
'Notes that the buckets of a rollup before until are in its store.';
