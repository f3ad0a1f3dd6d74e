-- Security definer: the auth worker reaches accounts only through functions.
create function auth.send_code(
    tenant_code text, email text, purpose text, code text, code_hash bytea, at timestamptz default now()
)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    account constant auth.user_account := auth.account_of(send_code.tenant_code, send_code.email);
begin
    if not auth.in_use(account, send_code.at) then
        return false;
    end if;
    if send_code.purpose = 'verify' and account.verified_at is not null then
        return false;
    end if;
    perform auth.issue_code(
        account.user_id, send_code.purpose, send_code.code, send_code.code_hash, send_code.at
    );
    return true;
end;
$$;
revoke all on function auth.send_code(text, text, text, text, bytea, timestamptz) from public;
grant execute on function auth.send_code(text, text, text, text, bytea, timestamptz) to segs_auth;
comment on function auth.send_code(text, text, text, text, bytea, timestamptz) is
'Sends a new code: to confirm an address that is not confirmed yet (verify), or to choose a new password (reset). '
'Returns whether anything was sent, which callers must not tell.';
