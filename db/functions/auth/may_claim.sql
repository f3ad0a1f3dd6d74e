create function auth.may_claim(claimed text, held text) returns boolean
language sql immutable parallel safe
as $$
    select case
        -- outside the order of a tenant's roles: neither above nor below any of them
        when 'platform_admin' in (claimed, held) then claimed = held
        else array_position(array['anon', 'consumer', 'operator', 'admin'], claimed)
            <= array_position(array['anon', 'consumer', 'operator', 'admin'], held)
    end
$$;

comment on function auth.may_claim(text, text) is
'Whether a token of a user with the role held may claim this role: the same or, within a tenant, a lower one.';
