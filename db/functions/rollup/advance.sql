create function rollup.advance(at timestamptz default now()) returns boolean
language plpgsql
set lock_timeout = '2s'
as $$
declare
    wanted timestamptz;
    current_threshold timestamptz;
begin
    select rollup.closed_until(d.name, at), d.threshold into wanted, current_threshold
    from rollup.definition as d
    where d.source is null;
    if wanted is null or wanted <= current_threshold then
        return false;
    end if;

    if not pg_try_advisory_xact_lock('rollup.definition'::regclass::oid::bigint) then
        return false; -- refreshed elsewhere, which holds the row updated below: inserts shall not wait for that
    end if;
    -- Waits for the inserts in flight; new ones wait here until this transaction commits. See rollup.log_late.
    begin
        perform pg_advisory_xact_lock('grid.reading'::regclass::oid::bigint);
    exception when lock_not_available then
        return false; -- a long insert is under way: let it and those behind it go on, and try at the next refresh
    end;
    update rollup.definition as d set threshold = wanted where d.source is null and d.threshold < wanted;
    return true;
end;
$$;

comment on function rollup.advance(timestamptz) is
'Step 1, in a transaction of its own: from now on, inserts into buckets closed by then are logged.';
