create function auth.lock_account(tenant_id integer, user_id uuid) returns auth.user_account
language plpgsql
as $$
declare
    account auth.user_account;
begin
    -- One change of a tenant's accounts at a time: else two administrators could demote each other.
    perform from grid.tenant as t where t.tenant_id = $1 for no key update;
    select u.* into account
    from auth.user_account as u
    where u.tenant_id = $1 and u.user_id = $2 and u.deleted_at is null
    for update;
    if not found then
        raise sqlstate 'PT404' using
            message = format('There is no user %s', coalesce($2::text, 'null')),
            hint = 'GET /users lists the users of your tenant.';
    end if;
    return account;
end;
$$;
revoke all on function auth.lock_account(integer, uuid) from public;
comment on function auth.lock_account(integer, uuid) is
'An account of a tenant, locked for a change; PT404, in the same words, when it is unknown, foreign or deleted.';
