-- Security definer: the ingest worker learns the key of the tenant its token names, and nothing else about tenants.
create function ingest.tenant_id(tenant_code text) returns integer
language sql stable security definer
set search_path = pg_catalog, pg_temp
return (select t.tenant_id from grid.tenant as t where t.code = tenant_code);

grant execute on function ingest.tenant_id(text) to segs_ingest;
comment on function ingest.tenant_id(text) is 'Internal key of a tenant; null if there is none of that code.';
