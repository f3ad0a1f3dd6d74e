create function grid.drop_old_readings(at timestamptz default now()) returns integer
language plpgsql
as $$
declare
    dropped integer;
begin
    select count(*) into dropped
    from public.drop_chunks('grid.reading', older_than => grid.kept_since('readings', at));
    return dropped;
end;
$$;

comment on function grid.drop_old_readings(timestamptz) is
'Drops the chunks of readings that are past their retention. Returns how many.';
