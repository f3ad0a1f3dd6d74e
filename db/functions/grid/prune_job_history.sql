create function grid.prune_job_history(at timestamptz default now()) returns integer
language plpgsql
as $$
declare
    pruned integer := 0;
begin
    -- pg_cron is in one database of a cluster only; it shows a role the runs of its own jobs.
    if to_regclass('cron.job_run_details') is not null then
        execute 'delete from cron.job_run_details where end_time < $1'
        using grid.kept_since('job_history', at);
        get diagnostics pruned = row_count;
    end if;
    return pruned;
end;
$$;

comment on function grid.prune_job_history (timestamptz) is
'Deletes the history of past pg_cron runs, which pg_cron never does. Returns how many.';
