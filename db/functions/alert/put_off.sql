create function alert.put_off(tenant_id integer, window_start timestamptz, totals grid.window_total[]) returns boolean
language plpgsql
as $$
declare
    piece constant integer := 2000;
begin
    -- Behind others of the same window, so that what is known last is judged last.
    if cardinality(put_off.totals) <= piece and not exists (
        select from alert.due as d where d.tenant_id = put_off.tenant_id and d.window_start = put_off.window_start
    ) then
        return false;
    end if;
    insert into alert.due (tenant_id, window_start, totals)
    select put_off.tenant_id, put_off.window_start, put_off.totals[n:n + piece - 1]
    from generate_series(1, cardinality(put_off.totals), piece) as n
    order by n;
    return true;
end;
$$;
revoke all on function alert.put_off(integer, timestamptz, grid.window_total[]) from public;
comment on function alert.put_off(integer, timestamptz, grid.window_total[]) is
'Leaves judging meters of a window to alert.review_due where they are many: says whether it did. So nobody''s window '
'waits until a hundred thousand alerts of another tenant are raised or withdrawn.';
