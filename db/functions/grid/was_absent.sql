create function grid.was_absent(tenant_id integer, window_start timestamptz) returns boolean
language sql stable
return (
    select
        ingest.was_absent(
            was_absent.tenant_id, was_absent.window_start,
            was_absent.window_start + interval '15 minutes' + grid.window_lag(was_absent.tenant_id) + l.window_grace
        )
    from ingest.limits as l
);

comment on function grid.was_absent(integer, timestamptz) is
'Whether the platform was away at some moment from the start of a window until its readings had to be there.';
