-- Security definer: a worker calls it, and may read none of what it looks at.
create function upkeep.findings(caller_clock timestamptz default null, at timestamptz default clock_timestamp())
returns table (part text, state text, says text, advice text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with job as (select * from upkeep.job_runs(at))

    select
        'jobs',
        case when bool_or(j.late) then 'fail' when count(*) = 0 then 'warn' else 'ok' end,
        case
            when bool_or(j.late) then string_agg(
                format('%s has not run for %s', j.name, coalesce(date_trunc('second', j.age)::text, 'ever')), ', '
            ) filter (where j.late)
            when count(*) = 0 then 'no job is scheduled in this database: nothing closes windows by itself'
            else format('%s jobs, each has run in its time', count(*))
        end,
        'ingest schedules late ones again, and `segs db apply` does; see cron.job_run_details. Jobs need pg_cron, with '
        'cron.database_name naming this database'
    from job as j
    union all
    select
        'epoch',
        case when s.cluster = event.cluster() then 'ok' else 'fail' end,
        case
            when s.cluster = event.cluster() then format('events are of epoch %s', s.epoch)
            else 'events bear transaction ids of another cluster: this database was restored'
        end,
        '`segs db migrate`, which begins an epoch'
    from event.state as s
    union all
    select
        'clock',
        case
            when abs(extract(epoch from at - caller_clock)) > 30 then 'fail'
            when abs(extract(epoch from at - caller_clock)) > 5 then 'warn'
            else 'ok'
        end,
        format('the database''s clock is %s s ahead of the caller''s', round(extract(epoch from at - caller_clock), 1)),
        'synchronise both with NTP: readings are judged by one clock and windows closed by the other'
    where caller_clock is not null
    union all
    select
        'windows',
        case when count(*) filter (where behind > interval '1 hour') > 0 then 'warn' else 'ok' end,
        format(
            '%s tenants have sealed windows to close, the furthest behind for %s',
            count(*) filter (where behind > interval '0'), coalesce(max(behind), interval '0')
        ),
        'a back-fill takes its time; otherwise look at grid.window_progress and at the job close_windows'
    from (select p.sealed_until - p.closed_until as behind from grid.window_progress as p) as progress
    union all
    select
        'queues',
        case
            when bool_or(q.dead and q.waiting > 0) or bool_or(q.oldest > 300) then 'warn' else 'ok'
        end,
        string_agg(format('%s: %s', q.name, q.waiting), ', ' order by q.name),
        'messages wait when their worker does not run; what is in a _dead queue could not be processed: read it, and '
        'archive it'
    from (
        select m.queue_name as name, m.queue_name like '%\_dead' as dead, m.queue_length as waiting,
            case when m.queue_name not like '%\_dead' then m.oldest_msg_age_sec end as oldest
        from pgmq.metrics_all() as m
    ) as q
$$;
revoke all on function upkeep.findings(timestamptz, timestamptz) from public;
grant execute on function upkeep.findings(timestamptz, timestamptz) to segs_ingest;
comment on function upkeep.findings(timestamptz, timestamptz) is
'How the platform goes, as far as the database knows, a row a part: ok, warn or fail, what is so, and what to '
'do about it. '
'For /health, its metrics and segs doctor.';
