create function grid.note_dropped(name text, cutoff timestamptz, dropped integer) returns void
language sql
begin atomic
    update grid.retention as r
    set dropped_before = greatest(r.dropped_before, note_dropped.cutoff)
    where r.name = note_dropped.name and note_dropped.dropped > 0;
end;

comment on function grid.note_dropped(text, timestamptz, integer) is
'Notes that chunks before cutoff were dropped, if any were: late readings from before it would find nothing to be '
'summed with.';
