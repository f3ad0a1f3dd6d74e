create function auth.use_code(
    user_id uuid, purpose text, code_hash bytea, at timestamptz
)
returns boolean
language plpgsql
as $$
declare
    matched boolean;
begin
    -- One statement counts and judges, so that guesses made at once are counted one by one.
    update auth.one_time_code as c
    set attempts = c.attempts + 1,
        used_at = case when c.code_hash = use_code.code_hash then use_code.at end
    where
        c.user_id = use_code.user_id and c.purpose = use_code.purpose
        and c.used_at is null and c.expires_at > use_code.at and c.attempts < 5
    returning c.used_at is not null into matched;
    return coalesce(matched, false);
end;
$$;

comment on function auth.use_code(uuid, text, bytea, timestamptz) is
'Whether this is the code the account was sent: not used, not expired, at most the fifth attempt. Uses it up.';
