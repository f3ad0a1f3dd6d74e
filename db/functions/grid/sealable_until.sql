-- PL/pgSQL: a SQL function that another calls is planned at every call, and sealing asks for every tenant.
create function grid.sealable_until(tenant_id integer, at timestamptz) returns timestamptz
language plpgsql stable
as $$
declare
    lag constant interval := coalesce(grid.window_lag(tenant_id), '0');
    grace constant interval := (select l.window_grace from ingest.limits as l);
begin
    return grid.window_start(
        least(
            at - lag,
            case when grid.catching_up(tenant_id, at) then grid.progress_at(tenant_id, at) end,
            ingest.held_from(tenant_id, at) - lag
        ) - grace
    );
end;
$$;

comment on function grid.sealable_until(integer, timestamptz) is
'End of the newest window of a tenant that may be sealed at a moment: its readings can exist, and its grace period has '
'passed, by the clock or, while the tenant catches up, by its own readings, so that a back-fill closes window by '
'window. Windows of a time in which the platform was away wait for what comes then.';
