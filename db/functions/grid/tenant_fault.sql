create function grid.tenant_fault(name text, time_zone text, currency text, reading_interval_seconds integer)
returns text
language sql stable
as $$
    select case
        when length($1) not between 1 and 200 or $1 ~ '[[:cntrl:]]'
            then 'name is not 1 to 200 characters long, in one line'
        when tariff.minor_units($3) is null then 'currency is not an ISO 4217 code'
        when $4 not between 1 and 86400 then 'reading_interval_seconds is not between 1 and 86400'
        else grid.time_zone_fault($2)
    end
$$;
revoke all on function grid.tenant_fault(text, text, text, integer) from public;
grant execute on function grid.tenant_fault(text, text, text, integer) to segs_api;
comment on function grid.tenant_fault(text, text, text, integer) is
'What is wrong with the settings of a tenant; null if nothing.';
