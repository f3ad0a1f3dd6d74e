-- Security definer: the relay may not read accounts and ownership itself.
create function event.scope(user_id uuid, tenant text) returns table (
    tenant_id integer, role text, meters jsonb, regions jsonb
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        u.tenant_id,
        u.role,
        case when u.role = 'consumer' then coalesce(owned.meters, '[]') end,
        case when u.role = 'consumer' then coalesce(lived.regions, '[]') end
    from auth.user_account as u
    join grid.tenant as t on t.tenant_id = u.tenant_id
    cross join lateral (
        select
            jsonb_agg(
                jsonb_build_object(
                    'meter_id', o.meter_id, 'code', m.code, 'from', lower(o.period), 'to', upper(o.period)
                )
                order by m.code, o.period
            ) as meters
        from grid.meter_ownership as o
        join grid.meter as m on m.tenant_id = o.tenant_id and m.meter_id = o.meter_id
        where u.role = 'consumer' and o.tenant_id = u.tenant_id and o.user_id = u.user_id
    ) as owned
    cross join lateral (
        select
            jsonb_agg(
                jsonb_build_object('region_id', r.region_id, 'from', lower(p.period), 'to', upper(p.period))
                order by r.region_id, p.period
            ) as regions
        from grid.owned_region as r
        cross join lateral unnest(r.periods) as p (period)
        where u.role = 'consumer' and r.tenant_id = u.tenant_id and r.user_id = u.user_id
    ) as lived
    where u.user_id = $1 and t.code = $2 and (u.disabled_at is null or u.disabled_at > now())
$$;
revoke all on function event.scope(uuid, text) from public;
grant execute on function event.scope(uuid, text) to segs_relay;
comment on function event.scope(uuid, text) is
'What a user may hear: a consumer the listed meters in their ownership periods (to null: until further notice) and the '
'regions of them in those periods; operators and admins (meters, regions null) all of the tenant. No row: unknown, '
'disabled, or of another tenant than the token says.';
