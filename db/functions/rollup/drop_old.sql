create function rollup.drop_old(name text, at timestamptz default now()) returns integer
language plpgsql
as $$
declare
    prefix constant text := case when rollup.driver() = 'incremental' then 'store_' else 'aggregate_' end;
    cutoff constant timestamptz := grid.kept_since('readings_' || drop_old.name, at);
    dropped integer := 0;
begin
    if isfinite(cutoff) then -- kept for ever otherwise, which drop_chunks refuses to be told
        select count(*) into dropped
        from public.drop_chunks(format('rollup.%I', prefix || drop_old.name)::regclass, older_than => cutoff);
        perform grid.note_dropped('readings_' || drop_old.name, cutoff, dropped);
    end if;
    return dropped;
end;
$$;

comment on function rollup.drop_old(text, timestamptz) is
'Drops the chunks of a rollup that are past their retention. Returns how many.';
