-- Security definer: the caller changes accounts of their own tenant in this one way.
create function api.delete_user(user_id uuid) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform auth.erase_user(auth.tenant_id(), $1);
end;
$$;
revoke all on function api.delete_user(uuid) from public;
grant execute on function api.delete_user(uuid) to admin;
comment on function api.delete_user(uuid) is
$$Delete a user

For good: address, name, phone, password, preferences, own thresholds and sessions are erased, and ownership of meters ends
now. Readings, and in which periods someone owned a meter, are kept without a name. 404: no such user; 409: the last
administrator of a tenant stays.$$;
