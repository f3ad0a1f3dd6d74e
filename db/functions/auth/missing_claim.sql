-- One expression, so that PostgreSQL inlines it: the body of any other SQL function is planned again at every call.
create function auth.missing_claim(claims jsonb) returns text
language sql immutable parallel safe
as $$
    select case
        when (claims ->> 'iss' = 'segs') is not true then 'iss'
        when (claims -> 'aud' ? 'segs') is not true then 'aud'
        when (jsonb_typeof(claims -> 'exp') = 'number') is not true then 'exp'
        when (claims ->> 'sub' <> '') is not true then 'sub'
        when (claims ->> 'tenant' <> '') is not true then 'tenant'
        when (claims ->> 'role' in ('consumer', 'operator', 'admin', 'platform_admin', 'device')) is not true
            then 'role'
    end
$$;
revoke all on function auth.missing_claim(jsonb) from public;
comment on function auth.missing_claim(jsonb) is
'The first claim that a token of this platform must have and this one lacks or has wrong; null when complete. '
'PostgREST checks aud and exp only when they are present.';
