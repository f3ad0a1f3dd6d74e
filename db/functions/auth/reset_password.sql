-- Security definer: the auth worker reaches accounts only through functions.
create function auth.reset_password(
    tenant_code text, email text, code_hash bytea, password_hash text, at timestamptz default now()
)
returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    account constant auth.user_account := auth.account_of(reset_password.tenant_code, reset_password.email);
begin
    if not auth.in_use(account, reset_password.at) then
        return null;
    end if;
    if not auth.use_code(account.user_id, 'reset', reset_password.code_hash, reset_password.at) then
        return null;
    end if;
    -- Reading the mail proves the address as well: this is how invited people begin.
    update auth.user_account as u
    set password_hash = reset_password.password_hash, verified_at = coalesce(u.verified_at, reset_password.at)
    where u.user_id = account.user_id;
    perform auth.revoke_all(account.user_id, null, reset_password.at);
    perform notify.queue_mail('password_changed', account.user_id);
    return account.user_id;
end;
$$;
revoke all on function auth.reset_password(text, text, bytea, text, timestamptz) from public;
grant execute on function auth.reset_password(text, text, bytea, text, timestamptz) to segs_auth;
comment on function auth.reset_password(text, text, bytea, text, timestamptz) is
'Sets a new password with the code that was mailed, ends every session and says so by mail. Null if the code is wrong.';
