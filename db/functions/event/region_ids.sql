-- Security definer: the relay may not read grid.region itself.
create function event.region_ids(tenant_id integer, codes text[]) returns table (code text, region_id integer)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select x.code, x.region_id
    from grid.region as x
    where x.tenant_id = $1 and x.code = any ($2)
    order by x.code
$$;
revoke all on function event.region_ids(integer, text[]) from public;
grant execute on function event.region_ids(integer, text[]) to segs_relay;
comment on function event.region_ids(integer, text[]) is
'Keys of the tenant''s regions with these codes, for a subscription''s filter; unknown codes are absent.';
