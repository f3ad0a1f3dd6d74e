create function alert.review(
    tenant_id integer, window_start timestamptz, totals grid.window_total[], at timestamptz default now()
) returns void
language plpgsql
as $$
begin
    if cardinality(review.totals) > 0 and not alert.put_off(review.tenant_id, review.window_start, review.totals) then
        perform alert.judge_again(review.tenant_id, review.window_start, review.totals, review.at);
    end if;
end;
$$;
revoke all on function alert.review(integer, timestamptz, grid.window_total[], timestamptz) from public;
comment on function alert.review(integer, timestamptz, grid.window_total[], timestamptz) is
'Judges meters of a closed window again, by all that is known now (their totals): raises what late readings show, and '
'withdraws what they disprove; at once, or where they are many in alert.review_due.';
