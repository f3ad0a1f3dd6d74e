create function auth.keep_an_admin(tenant_id integer, at timestamptz) returns void
language plpgsql
as $$
begin
    if not exists (
        select from auth.user_account as u where u.tenant_id = $1 and u.role = 'admin' and auth.in_use(u, $2)
    ) then
        raise sqlstate 'PT409' using
            message = 'The last administrator of a tenant stays',
            hint = 'Make someone else an administrator first (rpc/change_role).';
    end if;
end;
$$;
revoke all on function auth.keep_an_admin(integer, timestamptz) from public;
comment on function auth.keep_an_admin(integer, timestamptz) is
'Raises PT409 when a tenant is left without an administrator who may sign in.';
