-- Security definer: the caller changes accounts of their own tenant in this one way.
create function api.reactivate_user(user_id uuid) returns api.users
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    answer api.users;
begin
    perform auth.set_disabled(auth.tenant_id(), $1, false);
    select u.* into answer from api.users as u where u.user_id = $1;
    return answer;
end;
$$;
revoke all on function api.reactivate_user(uuid) from public;
grant execute on function api.reactivate_user(uuid) to admin;
comment on function api.reactivate_user(uuid) is
$$Take a user into use again

They may sign in again. 404: no such user.$$;
