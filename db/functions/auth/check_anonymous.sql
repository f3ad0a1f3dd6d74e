create function auth.check_anonymous() returns void
language plpgsql stable
as $$
begin
    -- Without a token the API's own description is all there is to see.
    if coalesce(current_setting('request.path', true), '') not in ('', '/') then
        raise sqlstate 'PT401' using
            message = 'This needs a token',
            hint = 'Send the header "Authorization: Bearer <token>"; "segs token --role operator" makes one to try.';
    end if;
end;
$$;
revoke all on function auth.check_anonymous() from public;
comment on function auth.check_anonymous() is
'Refuses a request without a token, except for the API''s description at its root.';
