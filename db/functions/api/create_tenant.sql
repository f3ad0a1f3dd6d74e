-- Security definer: a platform administrator makes tenants and writes nothing else.
create function api.create_tenant(
    code text,
    name text,
    admin_email text,
    admin_name text,
    time_zone text default 'UTC',
    currency text default 'EUR'
) returns api.tenants
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    fault constant text := case
        when $1 is null or $1 !~ '^[a-z][a-z0-9-]{1,31}$'
            then 'code is not 2 to 32 small letters, digits and hyphens that begin with a letter'
        when $2 is null or $5 is null or $6 is null then 'name, time_zone and currency are needed'
        when $3 is null then 'admin_email is needed'
        when coalesce(length($4), 0) not between 1 and 200 or $4 ~ '[[:cntrl:]]'
            then 'admin_name is not 1 to 200 characters long, in one line'
        else grid.tenant_fault($2, $5, $6, 60)
    end;
    answer api.tenants;
begin
    if fault is not null then
        raise sqlstate 'PT422' using
            message = fault, hint = 'Send code, name, admin_email, admin_name and, if need be, time_zone and currency.';
    end if;
    perform grid.create_tenant($1, $2, $5, $6, $3, $4);
    select t.* into answer from api.tenants as t where t.tenant = $1;
    return answer;
end;
$$;
revoke all on function api.create_tenant(text, text, text, text, text, text) from public;
grant execute on function api.create_tenant(text, text, text, text, text, text) to platform_admin;
comment on function api.create_tenant(text, text, text, text, text, text) is
$$Make a tenant

A utility company with five regions, a tariff plan and alert rules, and its first administrator, who is invited by mail and
chooses a password through forgot-password. time_zone is UTC and currency EUR unless said. 409: there is one of that code;
422: not such a code, name, address, time zone or currency.$$;
