-- What one writes who has no ingest worker; made in the benchmark's database alone.
create function api.bench_insert(readings jsonb) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
begin atomic
    insert into grid.reading (ts, meter_id, energy, voltage, current)
    select r.timestamp, m.meter_id, (r.kwh * 1000000)::bigint, r.voltage, r.current
    from jsonb_to_recordset(readings) as r
        (meter_id text, timestamp timestamptz, kwh numeric, voltage real, current real)
    inner join grid.meter as m on r.meter_id = m.code
    where m.tenant_id = auth.tenant_id()
    on conflict (meter_id, ts) do nothing;
end;
revoke all on function api.bench_insert(jsonb) from public;
grant execute on function api.bench_insert(jsonb) to operator;
