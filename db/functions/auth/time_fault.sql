-- One expression, so that PostgreSQL inlines it: the body of any other SQL function is planned again at every call.
-- Compared as numbers: a claim may hold one that is no time of PostgreSQL's.
create function auth.time_fault(claims jsonb, at timestamptz) returns text
language sql immutable parallel safe
as $$
    select case
        when (claims ->> 'exp')::numeric <= extract(epoch from at) then 'The token has expired'
        when 'number' <> any (array[
            coalesce(jsonb_typeof(claims -> 'iat'), 'number'), coalesce(jsonb_typeof(claims -> 'nbf'), 'number')
        ]) then 'The token''s claim iat or nbf is not a number'
        when greatest((claims ->> 'iat')::numeric, (claims ->> 'nbf')::numeric) > extract(epoch from at) + 10
            then 'The token is not good yet'
    end
$$;
revoke all on function auth.time_fault(jsonb, timestamptz) from public;
comment on function auth.time_fault(jsonb, timestamptz) is
'Why a token whose exp is a number is not good at this time; null when it is. exp is exact; iat and nbf, where there '
'are any, may be 10 s ahead. The workers have the same rule (workers/lib/tokens.py); PostgREST alone would allow 30 s.';
