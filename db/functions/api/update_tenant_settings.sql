-- Security definer: the caller changes settings of their own tenant and writes nothing else.
create function api.update_tenant_settings(
    name text default null,
    time_zone text default null,
    currency text default null,
    reading_interval_seconds integer default null,
    connection_kw numeric default null,
    stamped text default null
) returns api.tenant_settings
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted api.tenant_settings;
    fault text;
begin
    select s.tenant, coalesce($1, s.name), coalesce($2, s.time_zone), coalesce($3, s.currency),
        coalesce($4, s.reading_interval_seconds), coalesce($5, s.connection_kw), coalesce($6, s.stamped)
    into wanted
    from api.tenant_settings as s;
    fault := grid.tenant_fault(
        wanted.name, wanted.time_zone, wanted.currency, wanted.reading_interval_seconds
    );
    if fault is not null then
        raise sqlstate 'PT422' using
            message = fault, hint = 'Send what is to change: name, time_zone such as "Europe/Berlin", currency such as '
            '"EUR", reading_interval_seconds, connection_kw, stamped.';
    end if;
    perform grid.set_reading_rules(auth.tenant_id(), wanted.connection_kw, wanted.stamped);
    perform grid.update_tenant(
        auth.tenant_id(), wanted.name, wanted.time_zone, wanted.currency,
        make_interval(secs => wanted.reading_interval_seconds)
    );
    return wanted;
end;
$$;
revoke all on function api.update_tenant_settings(text, text, text, integer, numeric, text) from public;
grant execute on function api.update_tenant_settings(text, text, text, integer, numeric, text) to admin;
comment on function api.update_tenant_settings(text, text, text, integer, numeric, text) is
$$Change your tenant's settings

What is left out stays. connection_kw: what the connection of a meter carries; readings of more are refused. stamped: whether
readings bear the start (default) or the end of their interval; for what comes from then on, within a minute. Days and months of the past are counted in the new time zone too. 409: another currency after prices
were published; 422: no such setting.$$;
