-- Security definer: the relay may not read grid.meter itself.
create function event.meter_ids(tenant_id integer, codes text[]) returns table (code text, meter_id integer)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select x.code, x.meter_id
    from grid.meter as x
    where x.tenant_id = $1 and x.code = any ($2)
    order by x.code
$$;
revoke all on function event.meter_ids(integer, text[]) from public;
grant execute on function event.meter_ids(integer, text[]) to segs_relay;
comment on function event.meter_ids(integer, text[]) is
'Keys of the tenant''s meters with these codes, for a subscription''s filter; unknown codes are absent.';
