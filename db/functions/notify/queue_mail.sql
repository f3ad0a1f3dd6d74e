create function notify.queue_mail(
    kind text, user_id uuid, data jsonb default '{}', expires_at timestamptz default null
)
returns bigint
language sql
as $$
    select s.msg_id
    from auth.user_account as u
    join grid.tenant as t on t.tenant_id = u.tenant_id
    cross join lateral pgmq.send('notifications', jsonb_build_object(
        'kind', queue_mail.kind, 'tenant', t.code, 'user_id', u.user_id, 'to', u.email,
        -- Anybody can register any address under any name, which would be a text of theirs in a mail of ours.
        'name', case when u.verified_at is not null then u.name end,
        'data', queue_mail.data || jsonb_build_object('tenant_name', t.name),
        'expires_at', queue_mail.expires_at
    )) as s (msg_id)
    where u.user_id = queue_mail.user_id and u.deleted_at is null
$$;

comment on function notify.queue_mail(text, uuid, jsonb, timestamptz) is
'Puts a mail to an account on the queue notifications, in the transaction of what it tells. After expires_at it is '
'no longer worth sending. It bears the person''s name only once the address is confirmed. Null for an account '
'that is gone.';
