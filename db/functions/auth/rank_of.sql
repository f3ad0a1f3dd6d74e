create function auth.rank_of(role_name text) returns integer
language sql immutable parallel safe
as $$
    select array_position(array['anon', 'consumer', 'operator', 'admin'], role_name)
$$;
revoke all on function auth.rank_of(text) from public;
comment on function auth.rank_of(
    text
) is 'Order of the users'' roles: a token may claim its user''s role or a lower one.';
