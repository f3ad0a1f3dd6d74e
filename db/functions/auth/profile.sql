create function auth.profile(account auth.user_account) returns jsonb
language sql stable
as $$
    select jsonb_build_object(
        'user_id', account.user_id, 'tenant', t.code, 'email', account.email, 'name', account.name,
        'phone', account.phone, 'role', account.role, 'created_at', account.created_at,
        'has_password', account.password_hash is not null, 'preferences', account.preferences
    )
    from grid.tenant as t
    where t.tenant_id = account.tenant_id
$$;

comment on function auth.profile(auth.user_account) is 'An account as its owner sees it.';
