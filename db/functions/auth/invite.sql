create function auth.invite(
    tenant_code text, email text, name text, role text, at timestamptz default now()
)
returns uuid
language plpgsql
as $$
declare
    address constant text := auth.normal_address(invite.email);
    invited uuid;
begin
    if address is null then
        raise sqlstate 'PT422' using
            message = format('%s is not an e-mail address that anybody could sign in with', auth.said(invite.email)),
            hint = 'Send one as name@company.example, its domain in letters of the name service or of Punycode.';
    end if;
    insert into auth.user_account as u (tenant_id, email, name, role, created_at)
    select t.tenant_id, address, invite.name, invite.role, invite.at
    from grid.tenant as t
    where t.code = invite.tenant_code
    returning u.user_id into invited;
    -- The first password is chosen as a forgotten one is: with a code that goes to the address.
    perform notify.queue_mail('invitation', invited, jsonb_build_object('role', invite.role));
    return invited;
exception when unique_violation then
    raise sqlstate 'PT409' using
        message = format('There is an account with the address %s already', address),
        hint = 'An administrator gives it another role: rpc/change_role.';
end;
$$;

comment on function auth.invite(text, text, text, text, timestamptz) is
'Makes an account for someone and tells them by mail. They choose a password through forgot-password, which proves '
'the address. PT422: nobody could sign in with that address; PT409: there is one.';
