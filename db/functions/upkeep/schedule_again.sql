create function upkeep.schedule_again(at timestamptz default now()) returns integer
language plpgsql
as $$
declare
    scheduled integer;
begin
    -- As new jobs: pg_cron remembers the last start of each it knows, and starts none before that, by a clock that may have
    -- been set back since.
    execute $cron$
        select cron.unschedule(j.jobid) from cron.job as j
        where j.username = 'segs_cron' and j.database = current_database()
    $cron$;
    execute 'select cron.schedule(j.name, j.schedule, j.command) from upkeep.job as j';
    update upkeep.job set scheduled_at = at;
    get diagnostics scheduled = row_count;
    return scheduled;
end;
$$;
comment on function upkeep.schedule_again(timestamptz) is
'Schedules every job again, as new ones, also those that are missing or switched off. Returns how many.';
