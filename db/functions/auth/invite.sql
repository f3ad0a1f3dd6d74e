create function auth.invite(
    tenant_code text, email text, name text, role text, at timestamptz default now()
)
returns uuid
language plpgsql
as $$
declare
    invited uuid;
begin
    insert into auth.user_account as u (tenant_id, email, name, role, created_at)
    select t.tenant_id, lower(invite.email), invite.name, invite.role, invite.at
    from grid.tenant as t
    where t.code = invite.tenant_code
    returning u.user_id into invited;
    -- The first password is chosen as a forgotten one is: with a code that goes to the address.
    perform notify.queue_mail('invitation', invited, jsonb_build_object('role', invite.role));
    return invited;
end;
$$;

comment on function auth.invite(text, text, text, text, timestamptz) is
'Makes an account for somebody and tells them by mail. They choose a password through forgot-password, which proves '
'the address.';
