create function grid.seal_windows(at timestamptz default now())
returns table (tenant_id integer, sealed_until timestamptz)
language plpgsql
set lock_timeout = '2s'
as $$
#variable_conflict use_column
declare
    due integer[];
    due_until timestamptz[];
    begun integer[];
begin
    if not pg_try_advisory_xact_lock('grid.window_progress'::regclass::oid::bigint) then
        return; -- windows are being closed elsewhere
    end if;
    -- Asked before inserts are held back: what may be sealed now may be in a moment.
    select array_agg(w.tenant_id), array_agg(w.sealable_until)
    into due, due_until
    from (
        select p.tenant_id, p.sealed_until, s.sealable_until
        from grid.window_progress as p
        cross join lateral grid.sealable_until(p.tenant_id, at) as s (sealable_until)
    ) as w
    where w.sealed_until < w.sealable_until;
    if due is null and not exists (
        select from grid.tenant as t
        where not exists (select from grid.window_progress as p where p.tenant_id = t.tenant_id)
          and grid.first_window(t.tenant_id) < at
    ) then
        return;
    end if;

    -- Waits for the inserts in flight, and holds back new ones until this transaction commits. From then on an insert
    -- below sealed_until is logged as late, and one of before is seen by the closing: see
    -- grid.log_late_windows.
    begin
        perform pg_advisory_xact_lock('grid.reading'::regclass::oid::bigint);
    exception when lock_not_available then
        return; -- a long insert is under way: let it and those behind it go on, and try again at the next call
    end;
    -- Where a tenant begins is looked up under the lock: an older reading in flight would be before its first window, and
    -- neither closed nor late.
    with first as (
        insert into grid.window_progress (tenant_id, sealed_until, closed_until)
        select t.tenant_id, f.first_window, f.first_window
        from grid.tenant as t
        cross join lateral grid.first_window(t.tenant_id) as f (first_window)
        where f.first_window < at
          and not exists (select from grid.window_progress as p where p.tenant_id = t.tenant_id)
        returning tenant_id
    )

    select array_agg(f.tenant_id) into begun from first as f;
    return query
    update grid.window_progress as p
    set sealed_until = d.until
    from (
        select u.tenant_id, u.until from unnest(due, due_until) as u (tenant_id, until)
        union all
        select b.tenant_id, grid.sealable_until(b.tenant_id, at) from unnest(begun) as b (tenant_id)
    ) as d
    where p.tenant_id = d.tenant_id and p.sealed_until < d.until
    returning p.tenant_id, p.sealed_until;
end;
$$;

comment on function grid.seal_windows(timestamptz) is
'Closing, step 1, in a short transaction of its own: decides which windows are over. What comes in later is late.';
