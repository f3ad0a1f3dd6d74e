-- Security definer: the API changes the state of alerts only through here.
create function alert.set_status(alert_id bigint, status text, actor uuid, at timestamptz default now())
returns alert.alert
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    changed alert.alert;
    before alert.alert;
begin
    select a.* into before from alert.alert as a where a.alert_id = $1 for update;
    if not found then
        perform alert.refuse_unknown($1);
    end if;
    if before.status = $2 then
        return before; -- asked twice, or by two people at once: done is done
    end if;
    if not alert.may_become(before.status, $2) then
        raise sqlstate 'PT409' using
            message = format('Alert %s is %s and cannot become %s', $1, before.status, auth.said($2)),
            hint = 'An active alert can be acknowledged or resolved, an acknowledged one resolved; resolved is final.';
    end if;

    update alert.alert as a
    set
        status = $2,
        acknowledged_at = case when $2 = 'acknowledged' then $4 else a.acknowledged_at end,
        acknowledged_by = case when $2 = 'acknowledged' then $3 else a.acknowledged_by end,
        resolved_at = case when $2 = 'resolved' then $4 end,
        resolved_by = case when $2 = 'resolved' then $3 end
    where a.alert_id = $1
    returning a.* into changed;
    return changed;
end;
$$;
revoke all on function alert.set_status(bigint, text, uuid, timestamptz) from public;
grant execute on function alert.set_status(bigint, text, uuid, timestamptz) to segs_api;
comment on function alert.set_status(bigint, text, uuid, timestamptz) is
'Moves an alert on: active to acknowledged or resolved, acknowledged to resolved. Asking for the state it is '
'in changes '
'nothing; any other move raises PT409, an unknown alert PT404.';
