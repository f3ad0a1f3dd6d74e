-- As the caller, through the view that shows them their own.
create function api.alert_summary(
    inout since timestamptz default '-infinity',
    out active bigint,
    out acknowledged bigint,
    out resolved bigint,
    out open_critical bigint,
    out open_warning bigint,
    out open_info bigint,
    out open_by_kind jsonb,
    out meters_with_open bigint,
    out latest_raised_at timestamptz
)
language sql stable
as $$
    with a as (
        select a.status, a.severity, a.kind, a.meter_id, a.raised_at
        from api.alerts as a
        where a.raised_at >= coalesce($1, '-infinity')
    ),

    kinds as (
        select jsonb_object_agg(k.kind, k.number) as numbers
        from (select a.kind, count(*) as number from a where a.status <> 'resolved' group by a.kind) as k
    )

    select
        nullif($1, '-infinity'),
        count(*) filter (where a.status = 'active'),
        count(*) filter (where a.status = 'acknowledged'),
        count(*) filter (where a.status = 'resolved'),
        count(*) filter (where a.status <> 'resolved' and a.severity = 'critical'),
        count(*) filter (where a.status <> 'resolved' and a.severity = 'warning'),
        count(*) filter (where a.status <> 'resolved' and a.severity = 'info'),
        coalesce((select k.numbers from kinds as k), '{}'),
        count(distinct a.meter_id) filter (where a.status <> 'resolved'),
        max(a.raised_at)
    from a
$$;
revoke all on function api.alert_summary(timestamptz) from public;
grant execute on function api.alert_summary(timestamptz) to consumer, operator, admin;
comment on function api.alert_summary(timestamptz) is
$$How many alerts there are

Counts of the alerts that you may see, raised since a time (left out: ever): by status, and of those not resolved by severity,
by kind, and of how many meters.$$;
