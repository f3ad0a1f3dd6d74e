create function auth.account_of(tenant_code text, email text) returns auth.user_account
language sql stable
as $$
    select u.*
    from auth.user_account as u
    join grid.tenant as t on t.tenant_id = u.tenant_id
    where t.code = account_of.tenant_code and u.email = auth.normal_address(account_of.email)
$$;

comment on function auth.account_of(text, text) is
'The account with this address, in whatever form, in this tenant; nulls when none.';
