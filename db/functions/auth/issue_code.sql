create function auth.issue_code(
    user_id uuid, purpose text, code text, code_hash bytea, at timestamptz
)
returns void
language sql
as $$
    insert into auth.one_time_code as c (user_id, purpose, code_hash, created_at, expires_at)
    values (
        issue_code.user_id, issue_code.purpose, issue_code.code_hash,
        issue_code.at, issue_code.at + interval '10 minutes'
    )
    on conflict (user_id, purpose) do update
    set code_hash = excluded.code_hash, attempts = 0, used_at = null,
        created_at = excluded.created_at, expires_at = excluded.expires_at;

    select notify.queue_mail(
        issue_code.purpose || '_code', issue_code.user_id, jsonb_build_object('code', issue_code.code),
        issue_code.at + interval '10 minutes'
    )
$$;

comment on function auth.issue_code(uuid, text, text, bytea, timestamptz) is
'Replaces the account''s code for a purpose and queues the mail that carries it.';
