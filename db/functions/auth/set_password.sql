-- Security definer: the auth worker reaches accounts only through functions.
create function auth.set_password(
    user_id uuid, password_hash text, expected_hash text, keep_session uuid, at timestamptz default now()
)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update auth.user_account as u
    set password_hash = set_password.password_hash
    where
        u.user_id = set_password.user_id
        -- what the old password was checked against: it may have been changed meanwhile
        and u.password_hash is not distinct from set_password.expected_hash
        and u.verified_at is not null and auth.in_use(u, set_password.at);
    if not found then
        return false;
    end if;
    perform auth.revoke_all(set_password.user_id, set_password.keep_session, set_password.at);
    if set_password.expected_hash is not null then
        perform notify.queue_mail('password_changed', set_password.user_id);
    end if;
    return true;
end;
$$;
revoke all on function auth.set_password(uuid, text, text, uuid, timestamptz) from public;
grant execute on function auth.set_password(uuid, text, text, uuid, timestamptz) to segs_auth;
comment on function auth.set_password(uuid, text, text, uuid, timestamptz) is
'Sets the first password (expected_hash null) or replaces one; other sessions end. False if it is no longer the '
'expected one.';
