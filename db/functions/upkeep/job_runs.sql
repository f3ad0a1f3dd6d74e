create function upkeep.job_runs(at timestamptz default clock_timestamp())
returns table (name text, schedule text, age interval, running boolean, late boolean)
language plpgsql stable
as $$
begin
    if to_regclass('cron.job') is null then
        return; -- of this cluster's databases another has pg_cron
    end if;
    return query execute $cron$
        select
            j.name,
            j.schedule,
            $1 - known.since,
            coalesce(r.running, false),
            not coalesce(r.running, false)
            and coalesce($1 - known.since > upkeep.job_allowance(j.schedule), true)
        from upkeep.job as j
        left join cron.job as c on c.jobname = j.name and c.username = 'segs_cron' and c.database = current_database()
        left join lateral (
            select d.start_time, d.end_time is null and d.status in ('starting', 'running') as running
            from cron.job_run_details as d
            where d.jobid = c.jobid
            order by d.runid desc
            limit 1
        ) as r on true
        -- What lies ahead of the clock was written before it was set back, and says nothing of how long ago it is.
        cross join lateral (
            select max(x.since) as since
            from (values (r.start_time), (j.scheduled_at), (pg_postmaster_start_time())) as x (since)
            where x.since <= $1 + interval '1 minute'
        ) as known
        order by j.name
    $cron$ using at;
end;
$$;
comment on function upkeep.job_runs(timestamptz) is
'How long ago each job started last (or was scheduled, or the server started), whether it runs now, and '
'whether it is late. '
'Nothing in a database without pg_cron.';
