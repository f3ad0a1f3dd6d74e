-- As long as the buckets that they can be summed from again, when a tenant's time zone changes.
create function rollup.drop_old_days(at timestamptz default now()) returns integer
language plpgsql
as $$
declare
    cutoff constant timestamptz := grid.kept_since('readings_15m', at);
    dropped integer := 0;
begin
    if isfinite(cutoff) then
        select count(*) into dropped
        from public.drop_chunks('rollup.store_day', older_than => (cutoff at time zone 'UTC')::date - 1);
    end if;
    return dropped;
end;
$$;

comment on function rollup.drop_old_days(timestamptz) is
'Drops the chunks of stored days that are past the retention of readings_15m. Returns how many.';
