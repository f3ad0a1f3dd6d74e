create function grid.sealable_until(tenant_id integer, at timestamptz) returns timestamptz
language sql stable
return (
    select
        grid.window_start(
            case
                when grid.catching_up(sealable_until.tenant_id, at)
                    then least(at, grid.progress_at(sealable_until.tenant_id, at))
                else at
            end - l.window_grace
        )
    from ingest.limits as l
);

comment on function grid.sealable_until(integer, timestamptz) is
'End of the newest window of a tenant that may be sealed at a moment: its grace period has passed, by the clock or, '
'while the tenant catches up, by its own readings, so that a back-fill closes window by window.';
