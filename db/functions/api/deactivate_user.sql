-- Security definer: the caller changes accounts of their own tenant in this one way.
create function api.deactivate_user(user_id uuid) returns api.users
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    answer api.users;
begin
    perform auth.set_disabled(auth.tenant_id(), $1, true);
    select u.* into answer from api.users as u where u.user_id = $1;
    return answer;
end;
$$;
revoke all on function api.deactivate_user(uuid) from public;
grant execute on function api.deactivate_user(uuid) to admin;
comment on function api.deactivate_user(uuid) is
$$Deactivate a user

They cannot sign in, and their tokens are refused at once; what is theirs stays. See rpc/reactivate_user. 404: no such user;
409: the last administrator of a tenant stays.$$;
