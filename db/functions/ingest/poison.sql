create function ingest.poison(message jsonb, read_ct integer) returns text
language sql stable
return case
    when read_ct > (select l.max_read_count from ingest.limits as l)
        then format('delivered %s times without success', read_ct - 1)
    when jsonb_typeof(message) is distinct from 'object' then 'the message is not an object'
    when jsonb_typeof(message -> 'tenant') is distinct from 'string' then 'tenant is not a string'
    when not exists (select from grid.tenant as t where t.code = message ->> 'tenant') then 'no such tenant'
    when jsonb_typeof(message -> 'readings') is distinct from 'array' then 'readings is not an array'
    when jsonb_array_length(message -> 'readings') = 0 then 'readings is empty'
    when message ->> 'stamped' not in ('start', 'end') then 'stamped is neither start nor end'
end;

comment on function ingest.poison(jsonb, integer) is
'Why a raw_readings message can never be taken in; null if it can. read_ct counts its deliveries, this one included.';
