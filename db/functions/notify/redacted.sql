create function notify.redacted(message jsonb) returns jsonb
language sql immutable parallel safe
as $$
    select message - array['to', 'name', 'data']
$$;

comment on function notify.redacted(jsonb) is
'What is kept of a mail once it is done with: its kind, tenant and account; no address, no code.';
