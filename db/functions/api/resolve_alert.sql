-- Security definer: the caller may change an alert's state, and nothing else about it.
create function api.resolve_alert(alert_id bigint) returns api.alerts
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    answer api.alerts;
begin
    if not exists (select from api.alerts as a where a.alert_id = $1) then
        perform alert.refuse_unknown($1);
    end if;
    perform alert.set_status($1, 'resolved', auth.user_id());
    select a.* into answer from api.alerts as a where a.alert_id = $1;
    return answer;
end;
$$;
revoke all on function api.resolve_alert(bigint) from public;
grant execute on function api.resolve_alert(bigint) to consumer, operator, admin;
comment on function api.resolve_alert(bigint) is
$$Settle an alert

Marks an active or acknowledged alert as resolved, by you, for good, and returns it. Consumers may
resolve the alerts of their meters. 404: no such alert.$$;
