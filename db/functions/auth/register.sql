-- Security definer: the auth worker reaches accounts only through functions.
create function auth.register(
    tenant_code text, email text, name text, phone text, password_hash text, known_hash text,
    code text, code_hash bytea, at timestamptz default now()
)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    tenant constant integer := (
        select t.tenant_id from grid.tenant as t where t.code = register.tenant_code and t.code <> 'platform'
    );
    account auth.user_account;
begin
    if tenant is null then
        return 'unknown_tenant';
    end if;
    insert into auth.user_account as u (tenant_id, email, name, phone, password_hash, created_at)
    values (tenant, auth.normal_address(register.email), register.name, register.phone, register.password_hash, register.at)
    on conflict on constraint user_account_tenant_id_email_key do nothing
    returning u.* into account;
    if found then
        perform auth.issue_code(account.user_id, 'verify', register.code, register.code_hash, register.at);
        return 'created';
    end if;

    account := auth.account_of(register.tenant_code, register.email);
    if not auth.in_use(account, register.at) then
        return 'closed';
    end if;
    if account.verified_at is not null then
        perform notify.queue_mail('already_registered', account.user_id);
        return 'known';
    end if;
    -- Someone registered this address before, or was invited, and never confirmed it. Name and phone stay as they are:
    -- who confirms can change them. Anyone who reads its mail will own the account, so no password stays that another may
    -- have chosen: only one that both gave, else it is chosen after confirming.
    update auth.user_account as u
    set password_hash = case when u.password_hash = register.known_hash then u.password_hash end
    where u.user_id = account.user_id and u.verified_at is null;
    perform auth.issue_code(account.user_id, 'verify', register.code, register.code_hash, register.at);
    return 'repeated';
end;
$$;
revoke all on function auth.register(text, text, text, text, text, text, text, bytea, timestamptz) from public;
grant execute on function auth.register(
    text, text, text, text, text, text, text, bytea, timestamptz
) to segs_auth;
comment on function auth.register(text, text, text, text, text, text, text, bytea, timestamptz) is
'Makes a consumer account that waits for its code, and queues the mail; a known address is told so by mail. '
'known_hash: the stored password hash, if the password given now matches it. Returns what happened, which callers '
'must not tell.';
