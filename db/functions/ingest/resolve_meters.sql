-- Security definer: the ingest worker may map codes of one tenant at a time, but not browse meters.
create function ingest.resolve_meters(tenant_code text, codes text[])
returns table (
    code text, meter_id integer, highest bigint, feeds_in boolean, reading_interval interval, stamped text,
    retired_at timestamptz, past_until timestamptz[], past_feeds_in boolean[],
    interval_until timestamptz[], past_interval interval[]
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select r.*
    from grid.tenant as t
    cross join lateral ingest.meter_rules(t.tenant_id, $2) as r
    where t.code = $1
$$;

grant execute on function ingest.resolve_meters(text, text[]) to segs_ingest;
comment on function ingest.resolve_meters(text, text[]) is
'Internal keys of a tenant''s meters, and what their readings may claim (ingest.meter_rules). Unknown and foreign ones '
'are absent alike.';
