-- Security definer: segs_api, which calls it for a platform administrator, may not write tenants and accounts.
create function grid.create_tenant(
    code text, name text, time_zone text, currency text, admin_email text, admin_name text
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into grid.tenant as t (code, name, time_zone, currency) values ($1, $2, $3, $4);
    perform auth.invite($1, $5, $6, 'admin');
exception when unique_violation then
    raise sqlstate 'PT409' using
        message = format('There is a tenant %s already', $1), hint = 'Choose another code; GET /tenants lists them.';
end;
$$;
revoke all on function grid.create_tenant(text, text, text, text, text, text) from public;
grant execute on function grid.create_tenant(text, text, text, text, text, text) to segs_api;
comment on function grid.create_tenant(text, text, text, text, text, text) is
'Makes a tenant, with regions, plan and rules, and its first administrator, who is invited by mail. PT409: '
'there is one of that code.';
