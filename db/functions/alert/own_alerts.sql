-- Security definer, and a function: its plan is made once a connection, and staff's queries do not plan it at all.
create function alert.own_alerts()
returns table (a alert.alert, region_code text, acknowledger text, resolver text)
language plpgsql stable security definer rows 50
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select own.a, r.code, acknowledger.name, resolver.name
    from auth.visible_meter as m
    cross join
        lateral (
            select x as a
            from alert.alert as x
            where
                x.meter_id = m.meter_id
                -- An alert tells of the windows that end from raised_at to last_seen_at. One of windows that the meter
                -- changed hands in belongs to neither: its energy would tell of the other's use.
                and x.raised_at >= m.visible_from + interval '15 minutes' and x.last_seen_at <= m.visible_until
            -- Keeps it from being merged into the outer query: meter by meter, through the index.
            order by x.raised_at
        ) as own
    join grid.region as r on r.region_id = (own.a).region_id
    left join auth.user_account as acknowledger
        on acknowledger.user_id = (own.a).acknowledged_by and acknowledger.user_id = (select auth.user_id())
    left join auth.user_account as resolver
        on resolver.user_id = (own.a).resolved_by and resolver.user_id = (select auth.user_id())
    where not (select auth.sees_tenant());
end;
$$;
revoke all on function alert.own_alerts() from public;
grant execute on function alert.own_alerts() to segs_api, consumer, operator, admin;
comment on function alert.own_alerts() is
'A consumer''s alerts, those that tell only of the time they owned the meter: with the code of the region the meter '
'was in, and who took it up and who settled it where that was the consumer. None for staff.';
