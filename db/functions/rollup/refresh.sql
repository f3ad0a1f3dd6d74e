create procedure rollup.refresh(at timestamptz default now(), max_time interval default '10 seconds')
language plpgsql
as $$
declare
    ends constant timestamptz := clock_timestamp() + max_time;
    continuous constant boolean := rollup.driver() = 'continuous_aggregate';
begin
    if continuous and not rollup.begin_refresh() then
        return;
    end if;
    perform rollup.forget_days();
    commit;
    perform rollup.begin_days();
    commit;
    perform rollup.advance(at);
    commit;
    if continuous then
        call rollup.refresh_continuous_aggregates(ends);
    else
        call rollup.refresh_stores(ends);
    end if;
    call rollup.refresh_days(ends);
    if continuous then
        perform rollup.end_refresh();
    end if;
end;
$$;

comment on procedure rollup.refresh (timestamptz, interval) is
'Brings the rollups up to date with the readings of buckets closed at a moment, then the days of tenants that are '
'over: for about max_time, and the rest with the next call. Costs what changed, not what is stored. Views of rollups '
'are complete all the while.';
