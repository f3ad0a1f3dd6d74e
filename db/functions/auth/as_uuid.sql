-- One expression, so that PostgreSQL inlines it: the body of any other SQL function is planned again at every call.
create function auth.as_uuid(value text) returns uuid
language sql stable parallel safe
as $$
    select case when pg_input_is_valid(as_uuid.value, 'uuid') then as_uuid.value::uuid end
$$;
revoke all on function auth.as_uuid(text) from public;
comment on function auth.as_uuid(text) is 'The text as a uuid; null when it does not read as one.';
