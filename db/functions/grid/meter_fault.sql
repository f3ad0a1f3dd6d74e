create function grid.meter_fault(meter jsonb) returns text
language sql stable
return case
    when jsonb_typeof(meter) is distinct from 'object' then 'a meter is an object'
    when meter - '{meter_id,region,kind,installed_at,connection_kw}'::text[] <> '{}'
        then 'unknown field: ' || (
                select auth.said(min(k.key)) from jsonb_object_keys(meter) as k (key)
                where k.key not in ('meter_id', 'region', 'kind', 'installed_at', 'connection_kw')
            )
    when jsonb_typeof(meter -> 'meter_id') is distinct from 'string'
        or meter ->> 'meter_id' !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'
        then 'meter_id is not 1 to 64 letters (A to Z), digits, dots, underscores and hyphens, a letter or digit first'
    when jsonb_typeof(meter -> 'region') is distinct from 'string' then 'region is not the code of a region'
    when jsonb_typeof(meter -> 'kind') not in ('string', 'null') or meter ->> 'kind' not in ('one_way', 'two_way')
        then 'kind is not one_way or two_way'
    when jsonb_typeof(meter -> 'installed_at') not in ('string', 'null')
        or not pg_input_is_valid(meter ->> 'installed_at', 'timestamptz')
        or not isfinite((meter ->> 'installed_at')::timestamptz)
        then 'installed_at is not a date or time'
    when jsonb_typeof(meter -> 'connection_kw') <> 'null' and (
            jsonb_typeof(meter -> 'connection_kw') <> 'number'
            or (meter ->> 'connection_kw')::numeric <= 0 or (meter ->> 'connection_kw')::numeric > 1000000
        ) then 'connection_kw is not a number above 0, up to 1000000'
end;
revoke all on function grid.meter_fault(jsonb) from public;
grant execute on function grid.meter_fault(jsonb) to segs_api;
comment on function grid.meter_fault(jsonb) is
'What is wrong with a meter that someone wants registered ({"meter_id", "region", "kind"?, "installed_at"?, '
'"connection_kw"?}; null is '
'the same as absent); null if nothing. Whether there is such a region is not asked here.';
