-- As the caller, through views that show them their own.
create function api.reading_statistics(
    inout meter_id text,
    inout since timestamptz default now() - interval '720 hours',
    inout until timestamptz default now(),
    out total_kwh numeric,
    out average_kwh numeric,
    out peak_kwh numeric,
    out peak_at timestamptz,
    out base_load_kw numeric,
    out buckets bigint,
    out buckets_expected bigint,
    out previous_total_kwh numeric,
    out previous_buckets bigint,
    out change_percent numeric
)
language plpgsql stable
as $$
declare
    period interval;
begin
    if $2 is null or $3 is null or not isfinite($2) or not isfinite($3) or $2 >= $3
       or $3 - $2 > interval '400 days' then
        raise sqlstate 'PT422' using
            message = 'since and until are not a period of at most 400 days',
            hint = 'Send since and until as times with a zone, since before until.';
    end if;
    if not exists (select from api.meters as m where m.meter_id = $1) then
        raise sqlstate 'PT404' using
            message = format('There is no meter %s', auth.said($1)),
            hint = 'GET /meters lists the meters that you may see.';
    end if;
    -- In hours: a day of an interval would be as long as the days of the session's time zone.
    period := make_interval(secs => extract(epoch from $3 - $2)::double precision);

    select
        $1, $2, $3,
        coalesce(sum(b.energy_kwh) filter (where b.bucket >= $2), 0),
        round(avg(b.energy_kwh) filter (where b.bucket >= $2), 6),
        max(b.energy_kwh) filter (where b.bucket >= $2),
        (array_agg(b.bucket order by b.energy_kwh desc, b.bucket) filter (where b.bucket >= $2))[1],
        4 * percentile_disc(0.05) within group (order by b.energy_kwh) filter (where b.bucket >= $2),
        count(*) filter (where b.bucket >= $2),
        sum(b.energy_kwh) filter (where b.bucket + interval '15 minutes' <= $2),
        count(*) filter (where b.bucket + interval '15 minutes' <= $2)
    into meter_id, since, until, total_kwh, average_kwh, peak_kwh, peak_at, base_load_kw, buckets,
        previous_total_kwh, previous_buckets
    from api.readings_15m as b
    where b.meter_id = $1 and b.bucket >= $2 - period and b.bucket <= $3 - interval '15 minutes';

    buckets_expected := extract(epoch from public.time_bucket(interval '15 minutes', $3)
        - public.time_bucket(interval '15 minutes', $2 + interval '14 minutes 59.999999 seconds'))::bigint / 900;
    change_percent := round(100 * (total_kwh - previous_total_kwh) / nullif(abs(previous_total_kwh), 0), 2);
end;
$$;
revoke all on function api.reading_statistics(text, timestamptz, timestamptz) from public;
grant execute on function api.reading_statistics(text, timestamptz, timestamptz) to consumer, operator, admin;
comment on function api.reading_statistics(text, timestamptz, timestamptz) is
$$Statistics of a meter

Over the whole 15 minutes (buckets) between since (default 30 days ago) and until (default now), at most 400 days: total,
average and peak per 15 minutes and when that was, base load (kW that 95 % of the buckets reach), how many buckets have
readings and how many there are, and the total of the period of the same length just before with the change in percent.
A comparison means little when previous_buckets is far from buckets. 404: no such meter; 422: no such period.$$;
