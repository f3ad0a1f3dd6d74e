create function grid.prune_job_history(at timestamptz default now()) returns integer
language plpgsql
as $$
declare
    -- pg_cron is in one database of a cluster only; it shows a role the runs of its own jobs.
    history constant regclass := to_regclass('cron.job_run_details');
    pruned integer := 0;
begin
    if history is not null then
        execute format('delete from %s where end_time < $1', history) using grid.kept_since('job_history', at);
        get diagnostics pruned = row_count;
    end if;
    return pruned;
end;
$$;

comment on function grid.prune_job_history(timestamptz) is
'Deletes the history of past pg_cron runs, which pg_cron never does. Returns how many.';
