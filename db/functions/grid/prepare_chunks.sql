-- The first reading of a chunk makes it, and holds a lock on the table until it commits: every other insert waits,
-- for as long as the batch of the unlucky one takes. So it is made the day before, by a reading that nobody sees.
create function grid.prepare_chunks(at timestamptz default now()) returns boolean
language plpgsql
as $$
declare
    tomorrow constant timestamptz := at + interval '1 day';
begin
    if exists (
        select from timescaledb_information.chunks as c
        where c.hypertable_schema = 'grid' and c.hypertable_name = 'reading'
          and c.range_start <= tomorrow and c.range_end > tomorrow
    ) then
        return false;
    end if;
    insert into grid.reading (ts, meter_id, energy) values (tomorrow, 0, 0);
    delete from grid.reading where ts = tomorrow and meter_id = 0;
    return true;
end;
$$;

comment on function grid.prepare_chunks(timestamptz) is
'Makes the chunk for tomorrow''s readings, unless it is there. Returns whether it did.';
