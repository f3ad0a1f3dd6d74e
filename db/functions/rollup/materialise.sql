create function rollup.materialise(name text) returns boolean
language plpgsql
as $$
declare
    next record;
begin
    perform from rollup.definition as d where d.name = materialise.name for update;
    select * into next from rollup.next_buckets(name);
    if next.until is null then
        return false;
    end if;
    if next.since is not null then
        perform rollup.store_buckets(name, next.since, next.until);
    end if;
    perform rollup.mark_materialised(name, next.until);
    return true;
end;
$$;

comment on function rollup.materialise(text) is
'Incremental driver, step 2: sums the next closed buckets of a rollup into its store; false when there are none left.';
