-- Security definer: the caller changes settings of their own tenant and writes nothing else.
create function api.update_tenant_settings(
    name text default null,
    time_zone text default null,
    currency text default null,
    reading_interval_seconds integer default null
) returns api.tenant_settings
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted api.tenant_settings;
    fault text;
begin
    select s.tenant, coalesce($1, s.name), coalesce($2, s.time_zone), coalesce($3, s.currency),
        coalesce($4, s.reading_interval_seconds)
    into wanted
    from api.tenant_settings as s;
    fault := grid.tenant_fault(
        wanted.name, wanted.time_zone, wanted.currency, wanted.reading_interval_seconds
    );
    if fault is not null then
        raise sqlstate 'PT422' using
            message = fault, hint = 'Send what is to change: name, time_zone such as "Europe/Berlin", currency such as '
            '"EUR", reading_interval_seconds.';
    end if;
    perform grid.update_tenant(
        auth.tenant_id(), wanted.name, wanted.time_zone, wanted.currency,
        make_interval(secs => wanted.reading_interval_seconds)
    );
    return wanted;
end;
$$;
revoke all on function api.update_tenant_settings(text, text, text, integer) from public;
grant execute on function api.update_tenant_settings(text, text, text, integer) to admin;
comment on function api.update_tenant_settings(text, text, text, integer) is
$$Change your tenant's settings

What is left out stays. Days and months of the past are counted in the new time zone too. 409: another currency after prices
were published; 422: no such setting.$$;
