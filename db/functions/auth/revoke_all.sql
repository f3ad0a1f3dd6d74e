create function auth.revoke_all(user_id uuid, keep_session uuid, at timestamptz) returns integer
language plpgsql
as $$
declare
    ended integer;
begin
    update auth.session as s
    set revoked_at = revoke_all.at
    from auth.user_account as u
    where
        u.user_id = revoke_all.user_id
        and s.tenant_id = u.tenant_id and s.user_id = u.user_id
        and s.revoked_at is null and s.session_id is distinct from revoke_all.keep_session;
    get diagnostics ended = row_count;
    return ended;
end;
$$;

comment on function auth.revoke_all(uuid, uuid, timestamptz) is
'Ends every session of an account but one (null: but none). Returns how many.';
