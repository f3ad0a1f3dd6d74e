create function alert.violations(
    tenant_id integer, window_start timestamptz, totals grid.window_total[] default null
) returns table (
    meter_id integer, region_id integer, meter_code text, kind text, severity text, energy bigint, threshold bigint
)
language sql stable
as $$
    with suspect as (
        -- At most one kind can hold for a meter. Only few meters remain whose own rule must be looked up.
        select
            t.meter_id,
            t.region_id,
            case when t.readings > 0 then t.energy end as energy,
            case
                when t.readings = 0 then 'silent'
                when t.energy = 0 then 'zero'
                when t.energy < 0 then 'negative'
                else 'high'
            end as kind
        from (
            select u.* from unnest($3) as u
            union all
            select w.* from grid.window_totals($1, $2) as w where $3 is null
        ) as t
        left join alert.meter_thresholds($1) as own using (meter_id)
        where alert.is_suspect(t.readings, t.energy, least((select alert.lowest_threshold($1)), own.threshold))
    )
    select s.meter_id, s.region_id, m.code, s.kind, r.severity, s.energy, r.threshold
    from suspect as s
    join grid.meters_at($1, $2) as m using (meter_id)
    left join alert.rule as of_meter
        on of_meter.tenant_id = $1 and of_meter.kind = s.kind and of_meter.meter_id = s.meter_id
        and of_meter.user_id is null
    left join grid.meter_ownership as o on o.tenant_id = $1 and o.meter_id = s.meter_id and o.period @> $2
    left join alert.rule as of_both
        on of_both.tenant_id = $1 and of_both.kind = s.kind and of_both.meter_id = s.meter_id
        and of_both.user_id = o.user_id
    left join alert.rule as of_owner
        on of_owner.tenant_id = $1 and of_owner.kind = s.kind and of_owner.meter_id is null
        and of_owner.user_id = o.user_id
    left join alert.rule as of_tenant
        on of_tenant.tenant_id = $1 and of_tenant.kind = s.kind
        and of_tenant.meter_id is null and of_tenant.user_id is null
    -- The nearest rule holds, also when it is disabled: it then silences those behind it.
    join alert.rule as r on r.rule_id = coalesce(of_both.rule_id, of_meter.rule_id, of_owner.rule_id, of_tenant.rule_id)
    where r.enabled
      and (s.kind <> 'high' or s.energy > r.threshold)
      -- Fed in, or nothing at all: no fault of a meter that may feed in, as panels at night.
      and (s.kind not in ('negative', 'zero') or m.kind = 'one_way')
      and (s.kind <> 'silent' or m.in_service)
      -- Where nothing could be received nobody was silent. Looked at once, not meter by meter.
      and (s.kind <> 'silent' or not (select w.was_absent from grid.was_absent($1, $2) as w (was_absent)))
$$;
revoke all on function alert.violations(integer, timestamptz, grid.window_total[]) from public;
comment on function alert.violations(integer, timestamptz, grid.window_total[]) is
'What the rules find in a closed window, at most one row a meter. What its owner at the time wants of the meter holds, '
'else the meter''s own rule, else its owner''s, else the tenant''s. Energies in mWh; null energy when silent. totals, '
'if the caller has them: those of the window, of the suspect meters at least.';
