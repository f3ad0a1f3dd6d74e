create procedure grid.close_windows(at timestamptz default null)
language plpgsql
as $$
declare
    started constant timestamptz := clock_timestamp();
    next_seal timestamptz := started;
    done integer;
begin
    -- Round by round, a few windows a transaction: what became due meanwhile comes before what is left of a back-fill.
    loop
        if clock_timestamp() >= next_seal then
            -- Sealing holds inserts back for a moment, and waits for long ones: not in every round.
            next_seal := clock_timestamp() + interval '5 seconds';
            if at is null then
                perform ingest.beat('queue');
                commit;
            end if;
            perform grid.seal_windows(coalesce(at, clock_timestamp()));
            commit;
        end if;
        done := grid.close_sealed_windows(at, 4, interval '1 second');
        commit;
        done := done + grid.restate_late_windows(at, 4, interval '1 second');
        commit;
        done := done + alert.review_due(at, 4, interval '1 second');
        commit;
        exit when done = 0 or (at is null and clock_timestamp() > started + interval '15 seconds');
    end loop;
end;
$$;

comment on procedure grid.close_windows (timestamptz) is
'Seals, closes and restates windows, and judges their meters. Run as often as you like, and at the same time as '
'itself: it does each window once. By the clock (at null, the default) it reads it for every window, and leaves what '
'is left after 15 seconds to the next run; for a given moment it does all that is due then.';
