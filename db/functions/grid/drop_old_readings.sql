create function grid.drop_old_readings(at timestamptz default now()) returns integer
language plpgsql
as $$
declare
    cutoff constant timestamptz := grid.kept_since('readings', at);
    dropped integer := 0;
begin
    if isfinite(cutoff) then -- kept for ever otherwise, which drop_chunks refuses to be told
        select count(*) into dropped from public.drop_chunks('grid.reading', older_than => cutoff);
        perform grid.note_dropped('readings', cutoff, dropped);
    end if;
    return dropped;
end;
$$;

comment on function grid.drop_old_readings(timestamptz) is
'Drops the chunks of readings that are past their retention. Returns how many.';
