create function event.emit(
    tenant_id integer, topic text, region_id integer, meter_id integer, payload jsonb,
    happened tstzrange default tstzrange(now(), now(), '[]')
) returns void
language plpgsql
as $$
begin
    insert into event.log (tenant_id, topic, region_id, meter_id, happened, payload)
    values (emit.tenant_id, emit.topic, emit.region_id, emit.meter_id, emit.happened, emit.payload);
    perform event.wake();
end;
$$;
revoke all on function event.emit(integer, text, integer, integer, jsonb, tstzrange) from public;
comment on function event.emit(integer, text, integer, integer, jsonb, tstzrange) is
'Writes one event in the transaction of the change it tells. Payload keys are public names: region and meter '
'codes, kWh.';
