create function grid.find_owner(tenant_id integer, owner text) returns uuid
language plpgsql stable
as $$
declare
    found_id uuid;
begin
    select u.user_id into found_id
    from auth.user_account as u
    where u.tenant_id = $1 and u.deleted_at is null
        and (u.email = auth.normal_address($2) or u.user_id::text = lower($2));
    if not found then
        raise sqlstate 'PT404' using
            message = format('There is no user %s', auth.said($2)),
            hint = 'Name the owner by e-mail address or user_id; GET /users lists them.';
    end if;
    return found_id;
end;
$$;
revoke all on function grid.find_owner(integer, text) from public;
comment on function grid.find_owner(integer, text) is
'Account of a tenant by address or id; PT404, in the same words, when it is unknown, foreign or deleted.';
