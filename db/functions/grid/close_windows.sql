create procedure grid.close_windows(at timestamptz default now())
language plpgsql
as $$
begin
    perform grid.seal_windows(at);
    commit;
    -- A few windows a transaction: whoever waits for prices and alerts sees them as they come.
    while grid.close_sealed_windows(at, 4) > 0 loop
        commit;
    end loop;
    perform grid.restate_late_windows(at);
    commit;
end;
$$;

comment on procedure grid.close_windows (timestamptz) is
'Seals, closes and restates windows. Run as often as you like, and at the same time as itself: it does each '
'window once.';
