-- Security definer: the caller changes accounts of their own tenant in this one way.
create function api.change_role(user_id uuid, role text) returns api.users
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    answer api.users;
begin
    if $2 is null or $2 not in ('consumer', 'operator', 'admin') then
        raise sqlstate 'PT422' using
            message = 'role is not consumer, operator or admin',
            hint = 'Platform administrators are made by those who deploy the platform.';
    end if;
    perform auth.set_role(auth.tenant_id(), $1, $2);
    select u.* into answer from api.users as u where u.user_id = $1;
    return answer;
end;
$$;
revoke all on function api.change_role(uuid, text) from public;
grant execute on function api.change_role(uuid, text) to admin;
comment on function api.change_role(uuid, text) is
$$Give a user another role

consumer, operator or admin. Ends the user's sessions: their tokens are refused at once. 404: no such user; 409: the last
administrator of a tenant stays; 422: no such role.$$;
