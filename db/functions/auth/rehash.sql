-- Security definer: the auth worker reaches accounts only through functions.
create function auth.rehash(user_id uuid, expected_hash text, password_hash text) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    update auth.user_account as u
    set password_hash = rehash.password_hash
    where u.user_id = rehash.user_id and u.password_hash = rehash.expected_hash
$$;
revoke all on function auth.rehash(uuid, text, text) from public;
grant execute on function auth.rehash(uuid, text, text) to segs_auth;
comment on function auth.rehash(uuid, text, text) is
'Replaces the hash of a password by one of the same password with stronger parameters. Sessions stay.';
