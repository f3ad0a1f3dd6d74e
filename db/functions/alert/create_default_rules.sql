create function alert.create_default_rules(tenant_id integer) returns void
language sql
as $$
    insert into alert.rule (tenant_id, kind, threshold, severity)
    values
        ($1, 'high', 100000000, 'warning'),
        ($1, 'zero', null, 'info'),
        ($1, 'negative', null, 'warning'),
        ($1, 'silent', null, 'warning')
    on conflict do nothing
$$;
revoke all on function alert.create_default_rules(integer) from public;
comment on function alert.create_default_rules(integer) is
'Gives a new tenant its rules: above 100 kWh in a window, zero, negative, silent; those it has already stay.';
