create function alert.review(
    tenant_id integer, window_start timestamptz, totals grid.window_total[], at timestamptz default now()
) returns void
language plpgsql
as $$
begin
    if cardinality(review.totals) > 0 then
        -- In this order: what is withdrawn keeps no hour.
        perform alert.withdraw(review.tenant_id, review.window_start, review.totals,
            'late readings show that it was not so', review.at);
        perform alert.detect(review.tenant_id, review.window_start, review.totals);
    end if;
end;
$$;
revoke all on function alert.review(integer, timestamptz, grid.window_total[], timestamptz) from public;
comment on function alert.review(integer, timestamptz, grid.window_total[], timestamptz) is
'Judges meters of a closed window again, by all that is known now (their totals): raises what late readings show, and '
'withdraws what they disprove. Again for the same window changes nothing.';
