create function upkeep.note_jobs(at timestamptz default now()) returns integer
language plpgsql
as $$
declare
    noted integer;
begin
    delete from upkeep.job;
    -- pg_cron is in one database of a cluster only, so its table is named in a string.
    execute $cron$
        insert into upkeep.job (name, schedule, command, scheduled_at)
        select j.jobname, j.schedule, j.command, $1
        from cron.job as j
        where j.username = 'segs_cron' and j.database = current_database()
    $cron$ using at;
    get diagnostics noted = row_count;
    return noted;
end;
$$;
comment on function upkeep.note_jobs(timestamptz) is
'Remembers what a deploy has scheduled, for upkeep.schedule_again. Returns how many jobs.';
