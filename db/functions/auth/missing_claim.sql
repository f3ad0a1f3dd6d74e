create function auth.missing_claim(claims jsonb) returns text
language sql immutable parallel safe
as $$
    select wanted.claim
    from (
        values
            (1, 'iss', claims ->> 'iss' = 'segs'),
            (2, 'aud', claims -> 'aud' ? 'segs'),
            (3, 'exp', jsonb_typeof(claims -> 'exp') = 'number'),
            (4, 'sub', claims ->> 'sub' <> ''),
            (5, 'tenant', claims ->> 'tenant' <> ''),
            (6, 'role', claims ->> 'role' in ('consumer', 'operator', 'admin', 'platform_admin', 'device'))
    ) as wanted (position, claim, given)
    where wanted.given is not true
    order by wanted.position
    limit 1
$$;
revoke all on function auth.missing_claim(jsonb) from public;
comment on function auth.missing_claim(jsonb) is
'The first claim that a token of this platform must have and this one lacks or has wrong; null when complete. '
'PostgREST checks aud and exp only when they are present.';
