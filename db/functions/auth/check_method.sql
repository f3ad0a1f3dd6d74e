create function auth.check_method() returns void
language plpgsql stable
as $$
declare
    path constant text := coalesce(current_setting('request.path', true), '');
begin
    -- Else PostgreSQL would say that the view is not updatable before it looks at rights, which PostgREST makes a 500.
    if current_setting('request.method', true) in ('POST', 'PATCH', 'PUT', 'DELETE') and path !~ '^/rpc/' then
        raise sqlstate 'PT405' using
            message = format('%s can only be read', auth.said(path)),
            hint = 'Changes are made by calling functions: POST /rpc/<function>.';
    end if;
end;
$$;
revoke all on function auth.check_method() from public;
comment on function auth.check_method() is 'Refuses writing to a view: the API''s views can only be read.';
