create procedure rollup.refresh(at timestamptz default now())
language plpgsql
as $$
declare
    sealed grid.window_progress[];
    complete boolean := true;
begin
    perform rollup.forget_days();
    commit;
    perform rollup.begin_days();
    commit;
    select array_agg(p) into sealed from grid.window_progress as p;
    if rollup.driver() = 'continuous_aggregate' then
        call rollup.refresh_continuous_aggregates(at);
    else
        call rollup.refresh_stores(at, complete);
    end if;
    if complete then
        call rollup.refresh_days(sealed);
    end if;
end;
$$;

comment on procedure rollup.refresh (timestamptz) is
'Brings every rollup up to date with all readings of buckets closed at a moment, then the days of tenants that are '
'over. Costs what changed, not what is stored.';
