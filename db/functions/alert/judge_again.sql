create function alert.judge_again(
    tenant_id integer, window_start timestamptz, totals grid.window_total[], at timestamptz
) returns void
language plpgsql
as $$
begin
    -- In this order: what is withdrawn keeps no hour.
    perform alert.withdraw(judge_again.tenant_id, judge_again.window_start, judge_again.totals,
        'late readings show that it was not so', judge_again.at);
    perform alert.detect(judge_again.tenant_id, judge_again.window_start, judge_again.totals);
end;
$$;
revoke all on function alert.judge_again(integer, timestamptz, grid.window_total[], timestamptz) from public;
comment on function alert.judge_again(integer, timestamptz, grid.window_total[], timestamptz) is
'Judges meters of a closed window by their totals: raises what these show, and withdraws what they disprove. Again for '
'the same totals changes nothing.';
