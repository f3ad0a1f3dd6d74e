create function auth.keep_time(tenant_id integer) returns void
language plpgsql volatile
as $$
declare
    asked constant text := nullif(current_setting('request.headers', true), '')::json ->> 'prefer';
begin
    -- In this order 01.11.2026 is refused; in PostgreSQL's own it would be the 11th of January.
    perform set_config('DateStyle', 'ISO, YMD', true);
    -- PostgREST has set the zone that a client asks for, if there is one of that name. (Compared with what it set,
    -- because it passes over a name that it does not know.)
    if strpos(',' || replace(coalesce(asked, ''), ' ', '') || ',', ',timezone=' || current_setting('TimeZone') || ',')
       = 0 then
        perform set_config('TimeZone', t.time_zone, true) from grid.tenant as t where t.tenant_id = $1;
    end if;
end;
$$;
revoke all on function auth.keep_time(integer) from public;
comment on function auth.keep_time(integer) is
'For the rest of the transaction, a date or time without a zone is in the tenant''s, or in the one that the request '
'asks for (Prefer: timezone); times are shown with its offset.';
