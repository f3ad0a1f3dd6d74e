-- Security definer: a worker calls it, and only segs_cron sees and schedules the jobs.
create function upkeep.watch_jobs(at timestamptz default clock_timestamp())
returns table (name text, age_seconds double precision, late boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    late_jobs text;
begin
    return query
    select r.name, extract(epoch from coalesce(r.age, interval '0'))::double precision, r.late
    from upkeep.job_runs(at) as r;
    select string_agg(r.name, ', ') into late_jobs from upkeep.job_runs(at) as r where r.late;
    if late_jobs is not null and pg_try_advisory_xact_lock('upkeep.job'::regclass::oid::bigint) then
        raise warning 'late jobs are scheduled again: %', late_jobs;
        perform upkeep.schedule_again(at);
    end if;
end;
$$;
revoke all on function upkeep.watch_jobs(timestamptz) from public;
grant execute on function upkeep.watch_jobs(timestamptz) to segs_ingest;
comment on function upkeep.watch_jobs(timestamptz) is
'The age of each job, in seconds, and whether it was late; if any was, all have now been scheduled again. '
'Called every few '
'seconds by ingest: what pg_cron has stopped doing pg_cron cannot notice.';
