-- Security definer: the auth worker reaches accounts only through functions.
create function auth.confirm(
    tenant_code text, email text, code_hash bytea, at timestamptz default now()
)
returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    account constant auth.user_account := auth.account_of(confirm.tenant_code, confirm.email);
begin
    if not auth.in_use(account, confirm.at) or account.verified_at is not null then
        return null;
    end if;
    if not auth.use_code(account.user_id, 'verify', confirm.code_hash, confirm.at) then
        return null;
    end if;
    update auth.user_account as u set verified_at = confirm.at where u.user_id = account.user_id;
    return account.user_id;
end;
$$;
revoke all on function auth.confirm(text, text, bytea, timestamptz) from public;
grant execute on function auth.confirm(text, text, bytea, timestamptz) to segs_auth;
comment on function auth.confirm(text, text, bytea, timestamptz) is
'Takes the code that was mailed at registration: the address is the person''s. The account''s id; null if it is wrong.';
