-- Security definer: segs_api, which calls it for a meter that its caller may see, may read rules but not write them.
create function alert.set_threshold(tenant_id integer, meter_id integer, user_id uuid, threshold bigint) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if $4 is null then
        delete from alert.rule as r
        where r.tenant_id = $1 and r.kind = 'high' and r.meter_id = $2 and r.user_id is not distinct from $3;
    else
        -- It changes the energy alone: how bad that is, the rule that held until now says.
        insert into alert.rule as r (tenant_id, kind, meter_id, user_id, threshold, severity)
        select $1, 'high', $2, $3, $4, coalesce((
            select t.severity from alert.rule as t
            where t.tenant_id = $1 and t.kind = 'high' and t.user_id is null and (t.meter_id = $2 or t.meter_id is null)
            order by t.meter_id nulls last
            limit 1
        ), 'warning')
        on conflict on constraint rule_tenant_id_kind_meter_id_user_id_key do update
        set threshold = excluded.threshold, enabled = true;
    end if;
end;
$$;
revoke all on function alert.set_threshold(integer, integer, uuid, bigint) from public;
grant execute on function alert.set_threshold(integer, integer, uuid, bigint) to segs_api;
comment on function alert.set_threshold(integer, integer, uuid, bigint) is
'Sets (null: takes back) the energy of a window, mWh, above which a meter raises an alert: for a user while they own '
'it, or for its owner of the time (user_id null).';
