create function auth.in_use(account auth.user_account, at timestamptz) returns boolean
language sql immutable parallel safe
as $$
    select
        account.user_id is not null and account.deleted_at is null
        and (account.disabled_at is null or account.disabled_at > at)
$$;

comment on function auth.in_use(auth.user_account, timestamptz) is
'Whether the account exists and is neither disabled nor deleted.';
