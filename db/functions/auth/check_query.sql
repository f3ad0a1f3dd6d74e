create function auth.check_query() returns void
language plpgsql volatile
as $$
declare
    headers constant json := nullif(current_setting('request.headers', true), '')::json;
    query constant text := headers ->> 'x-segs-query';
    fault text;
begin
    if query is null and (select p.require_session from auth.policy as p) then
        raise sqlstate 'PT403' using
            message = 'This is reached through the edge alone',
            hint = 'The edge passes on the query string (X-Segs-Query), which is judged here: docs/decisions/0020.';
    end if;
    if headers ->> 'prefer' ~* 'count *= *"?(planned|estimated)' then
        raise sqlstate 'PT400' using
            message = 'Only exact counts are made: the planner''s estimate knows nothing of who may see what',
            hint = 'Send Prefer: count=exact.';
    end if;
    if length(query) > 1 then
        fault := auth.query_fault(query);
        if fault is not null then
            raise sqlstate 'PT400' using message = fault, hint = 'docs/reference/edge.md says what a query may hold.';
        end if;
    end if;
end;
$$;
revoke all on function auth.check_query() from public;
comment on function auth.check_query() is
'Refuses a request whose query string or preferences would reach past the views. In production also one that did not '
'come through the edge, which alone knows the query string.';
