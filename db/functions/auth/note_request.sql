create function auth.note_request() returns void
language plpgsql volatile
as $$
declare
    sent constant text := nullif(current_setting('request.headers', true), '')::json ->> 'x-request-id';
begin
    -- What a client may choose goes into a log line: letters, digits and little else (workers/lib/request_id.py).
    -- Counting the characters in the pattern ({1,40}) would take ten times as long.
    if sent ~ '^[A-Za-z0-9._-]+$' and length(sent) <= 40 then
        perform
            set_config('segs.request_id', sent, true),
            set_config('application_name', 'postgrest ' || sent, true);
    end if;
end;
$$;
revoke all on function auth.note_request() from public;
comment on function auth.note_request() is
'Names the transaction after the request it serves (header X-Request-Id): in application_name, which PostgreSQL '
'shows in pg_stat_activity and its log, and in the setting segs.request_id.';
