-- Security definer: the caller changes their own preferences, and nothing else of an account.
create function api.set_preferences(preferences jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    answer jsonb;
begin
    if jsonb_typeof($1) is distinct from 'object' then
        raise sqlstate 'PT422' using
            message = 'preferences is not an object',
            hint = 'Send {"preferences": {"language": "de"}}; a null takes a preference back.';
    end if;
    answer := auth.set_preferences(auth.user_id(), $1);
    if octet_length(answer::text) > 8192 then
        raise sqlstate 'PT422' using
            message = 'The preferences are larger than 8192 bytes',
            hint = 'Take some back by sending them as null.';
    end if;
    return answer;
end;
$$;
revoke all on function api.set_preferences(jsonb) from public;
grant execute on function api.set_preferences(jsonb) to consumer, operator, admin;
comment on function api.set_preferences(jsonb) is
$$Change what you prefer

Puts {"preferences": {...}} over yours, name by name; a null takes one back. Answers all of them. At most 8192 bytes.$$;
