create function grid.window_lag(tenant_id integer) returns interval
language sql stable
return (
    -- The last reading that tells of a window begins as long before its end as meters and windows keep step.
    select make_interval(secs => i.seconds - gcd(i.seconds, 900))
    from grid.tenant as t
    cross join lateral (select ceil(extract(epoch from t.reading_interval))::integer as seconds) as i
    where t.tenant_id = window_lag.tenant_id
);

comment on function grid.window_lag(integer) is
'How long after the end of a window the last of the intervals that tell of it ends, where meters keep to the clock: '
'nothing where intervals divide a quarter of an hour, 45 minutes where they are an hour.';
