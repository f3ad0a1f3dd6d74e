-- Security definer: the ingest worker may map codes of one tenant at a time, but not browse meters.
create function ingest.resolve_meters(tenant_code text, codes text[])
returns table (code text, meter_id integer)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.code, m.meter_id
    from grid.tenant as t
    join grid.meter as m on m.tenant_id = t.tenant_id
    where t.code = resolve_meters.tenant_code
      and m.code = any (resolve_meters.codes)
      and m.retired_at is null;
$$;

grant execute on function ingest.resolve_meters(text, text[]) to segs_ingest;
comment on function ingest.resolve_meters(text, text[]) is
'Internal keys of a tenant''s meters. Unknown, foreign and retired ones are absent alike.';
