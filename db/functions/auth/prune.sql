create function auth.prune(at timestamptz default now(), max_rows integer default 50000) returns integer
language plpgsql
as $$
declare
    pruned integer;
    total integer := 0;
begin
    -- A month after its end a session tells nobody anything any more; its refresh tokens go with it.
    delete from auth.session as s
    where s.session_id in (
        select old.session_id from auth.session as old
        where least(old.expires_at, old.revoked_at) < prune.at - interval '30 days'
        limit prune.max_rows
    );
    get diagnostics pruned = row_count;
    total := total + pruned;
    delete from auth.one_time_code as c where c.expires_at < prune.at - interval '1 day';
    get diagnostics pruned = row_count;
    return total + pruned;
end;
$$;

comment on function auth.prune(timestamptz, integer) is
'Deletes sessions that ended a month ago, and codes a day after they expired. Returns how many.';
