create function alert.meter_thresholds(tenant_id integer) returns table (meter_id integer, threshold bigint)
language sql stable
as $$
    select r.meter_id, min(r.threshold)
    from alert.rule as r
    where r.tenant_id = $1 and r.kind = 'high' and r.enabled and r.meter_id is not null
    group by r.meter_id
$$;

comment on function alert.meter_thresholds(integer) is
'The lowest high threshold, mWh, of each meter that has a rule of its own.';
