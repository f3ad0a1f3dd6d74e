-- Security definer: segs_api, which calls it for its caller's own account, may read accounts but not write them.
create function auth.set_preferences(user_id uuid, changes jsonb) returns jsonb
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    update auth.user_account as u
    set preferences = jsonb_strip_nulls(u.preferences || $2)
    where u.user_id = $1
    returning u.preferences
$$;
revoke all on function auth.set_preferences(uuid, jsonb) from public;
grant execute on function auth.set_preferences(uuid, jsonb) to segs_api;
comment on function auth.set_preferences(uuid, jsonb) is
'Puts changes over an account''s preferences; a null takes one back. Returns all of them.';
