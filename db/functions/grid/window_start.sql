create function grid.window_start(ts timestamptz) returns timestamptz
language sql immutable parallel safe
return public.time_bucket(interval '15 minutes', ts);

grant execute on function grid.window_start(timestamptz) to segs_api, segs_ingest, segs_relay;
comment on function grid.window_start(timestamptz) is
'Start of the 15-minute window that a moment belongs to (inclusive at its start).';
