-- Security definer: segs_api, which calls it for an administrator's own tenant, may read accounts but not write them.
create function auth.erase_user(tenant_id integer, user_id uuid, at timestamptz default now()) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform auth.lock_account($1, $2);
    -- The row stays, nameless: readings keep the periods in which someone owned the meter.
    update auth.user_account as u
    set email = format('deleted-%s@deleted.invalid', $2), name = 'Deleted user', phone = null, password_hash = null,
        preferences = '{}', verified_at = null, role = 'consumer', disabled_at = least(u.disabled_at, $3),
        deleted_at = $3
    where u.user_id = $2;
    perform auth.keep_an_admin($1, $3);
    perform auth.report_devices($1, $2, $3);

    delete from auth.one_time_code as c where c.user_id = $2;
    delete from auth.session as s where s.tenant_id = $1 and s.user_id = $2;
    delete from alert.rule as r where r.tenant_id = $1 and r.user_id = $2;
    delete from pgmq.q_notifications as q where q.message ->> 'user_id' = $2::text;

    delete from grid.meter_ownership as o where o.user_id = $2 and lower(o.period) >= $3;
    update grid.meter_ownership as o
    set period = tstzrange(lower(o.period), $3, '[)')
    where o.user_id = $2 and o.period @> $3;
end;
$$;
revoke all on function auth.erase_user(integer, uuid, timestamptz) from public;
grant execute on function auth.erase_user(integer, uuid, timestamptz) to segs_api;
comment on function auth.erase_user(integer, uuid, timestamptz) is
'Erases the personal data of an account: address, name, phone, password, preferences, sessions, codes, mails not yet '
'sent, own alert rules. Its ownership of meters ends; past periods, readings and alerts stay. PT404: no such '
'account; PT409: the last administrator.';
