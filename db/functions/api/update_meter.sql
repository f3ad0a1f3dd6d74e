-- Security definer: the caller changes meters of their own tenant in these ways and writes nothing else.
create function api.update_meter(
    meter_id text,
    region text default null,
    kind text default null,
    retired boolean default null,
    since timestamptz default now(),
    connection_kw numeric default null
) returns api.meters
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    meter integer;
    wanted_region integer;
    fault text;
    answer api.meters;
begin
    select m.meter_id into meter from auth.visible_meter as m where m.code = $1;
    if not found then
        perform grid.refuse_unknown_meter($1);
    end if;
    select r.region_id into wanted_region from auth.visible_region as r where r.code = $2;
    if $2 is not null and wanted_region is null then
        perform tariff.refuse_unknown_region($2);
    end if;
    fault := case
        when num_nonnulls($2, $3, $4, $6) = 0 then 'nothing is to change'
        when $3 not in ('one_way', 'two_way') then 'kind is not one_way or two_way'
        when $5 is null or not isfinite($5) then 'since is not a time'
        when $5 > now() then 'since is in the future'
    end;
    if fault is not null then
        raise sqlstate 'PT422' using
            message = fault,
            hint = 'Send region, kind or retired, and since when that is so (left out: now), or connection_kw.';
    end if;
    if $6 is not null then
        perform grid.set_connection(auth.tenant_id(), meter, $6);
    end if;
    perform grid.change_meter(auth.tenant_id(), meter, wanted_region, $3, $4, $5);
    select m.* into answer from api.meters as m where m.meter_id = $1;
    return answer;
end;
$$;
revoke all on function api.update_meter(text, text, text, boolean, timestamptz, numeric) from public;
grant execute on function api.update_meter(text, text, text, boolean, timestamptz, numeric) to operator, admin;
comment on function api.update_meter(text, text, text, boolean, timestamptz, numeric) is
$$Change a meter

A meter that got panels (kind two_way), was moved (region) or went out of or back into service (retired), since a time (left
out: now). connection_kw holds for readings that come from then on, within a minute. Loads, prices, bills and what a consumer sees of the time before stay as they were; alerts of the time since that
are no fault of such a meter are withdrawn. 404: no such meter or region; 409: it changed later than that already, or it would
be moved in windows that are closed; 422: no such kind, no time between 35 days ago and now, or nothing to change.$$;
