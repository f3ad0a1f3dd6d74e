-- Security definer: the auth worker reaches accounts and sessions only through functions.
create function auth.signed_in_from(tenant_code text, email text, network inet) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from auth.account_of(signed_in_from.tenant_code, signed_in_from.email) as u
        join auth.session as s on s.tenant_id = u.tenant_id and s.user_id = u.user_id
        where s.address <<= signed_in_from.network
    )
$$;
revoke all on function auth.signed_in_from(text, text, inet) from public;
grant execute on function auth.signed_in_from(text, text, inet) to segs_auth;
comment on function auth.signed_in_from(text, text, inet) is
'Whether someone has signed in to this account from this network, as far as sessions are kept. Such a place has '
'attempts of its own while others try to guess the password.';
