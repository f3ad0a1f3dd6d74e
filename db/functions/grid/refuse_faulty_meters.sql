create function grid.refuse_faulty_meters(tenant_id integer, meters jsonb) returns void
language plpgsql stable
as $$
declare
    words text[];
begin
    words := array(select format('meters[%s]: %s', f.place, f.fault) from grid.meter_faults($2) as f order by f.place);
    if cardinality(words) > 0 then
        raise sqlstate 'PT422' using
            message = words[1],
            detail = array_to_string(words[1:20], '; '),
            hint = 'A meter is {"meter_id", "region", "kind"?, "installed_at"?}. None of the list was registered.';
    end if;
    words := array(
        select format('meters[%s]: there is no region %s', e.place - 1, auth.said(e.meter ->> 'region'))
        from jsonb_array_elements($2) with ordinality as e (meter, place)
        where not exists (
            select from grid.region as r where r.tenant_id = $1 and r.code = e.meter ->> 'region'
        )
        order by e.place
    );
    if cardinality(words) > 0 then
        raise sqlstate '22023' using
            message = words[1],
            detail = array_to_string(words[1:20], '; '),
            hint = 'GET /regions lists the regions that you may name. None of the list was registered.';
    end if;
end;
$$;
revoke all on function grid.refuse_faulty_meters(integer, jsonb) from public;
grant execute on function grid.refuse_faulty_meters(integer, jsonb) to segs_api;
comment on function grid.refuse_faulty_meters(integer, jsonb) is
'Refuses a list of meters of which one is wrong, with its place (from 0) and, in detail, all: PT422, or 22023 '
'where the tenant has no such region.';
