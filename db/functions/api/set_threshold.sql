-- Security definer: the caller sets the threshold of a meter that they see now, and nothing else of a rule.
create function api.set_threshold(meter_id text, kwh numeric) returns api.alert_thresholds
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    meter integer;
    answer api.alert_thresholds;
begin
    select m.meter_id into meter
    from auth.visible_meter as m
    where m.code = $1 and m.visible_from <= now() and m.visible_until > now();
    if not found then
        perform grid.refuse_unknown_meter($1);
    end if;
    if $2 not between 0.001 and 10000 then
        raise sqlstate 'PT422' using
            message = 'kwh is not an energy between 0.001 and 10000',
            hint = 'Send the energy of 15 minutes above which to raise an alert; null goes back to the default.';
    end if;

    perform alert.set_threshold(
        auth.tenant_id(), meter, case when not auth.sees_tenant() then auth.user_id() end,
        round($2 * 1000000)::bigint
    );
    select t.* into answer from api.alert_thresholds as t where t.meter_id = $1;
    return answer;
end;
$$;
revoke all on function api.set_threshold(text, numeric) from public;
grant execute on function api.set_threshold(text, numeric) to consumer, operator, admin;
comment on function api.set_threshold(text, numeric) is
$$Say from which energy on a meter raises an alert

kwh in 15 minutes, 0.001 to 10000; null goes back to the default. A consumer's holds for a meter of theirs while they own it;
an operator's for the meter, unless its owner has set one. Answers what holds now. 404: no such meter; 422: no such energy.$$;
