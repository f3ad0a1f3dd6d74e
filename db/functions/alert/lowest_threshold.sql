create function alert.lowest_threshold(tenant_id integer) returns bigint
language sql stable
return (
    select min(r.threshold) from alert.rule as r
    where r.tenant_id = lowest_threshold.tenant_id and r.kind = 'high' and r.enabled
        and r.meter_id is null
);

comment on function alert.lowest_threshold(integer) is
'Energy of a window, mWh, above which some rule of the tenant finds a meter high; null without such a rule. '
'Rules of single meters aside (alert.meter_thresholds): one low threshold does not make every meter suspect.';
