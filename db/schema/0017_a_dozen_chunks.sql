-- migrate:up
set local role segs_owner;

-- A plan that serves all values has every chunk of a hypertable in it: each is locked, started and asked. So no
-- hypertable is to have many more than a dozen: quarters of an hour are kept for three years, hours for ten. Chunks
-- that are there stay as they are.
do $$
begin
    if to_regclass('rollup.store_1m') is null then -- continuous aggregates: see rollup.driver()
        return;
    end if;
    perform public.set_chunk_time_interval('rollup.store_15m', interval '112 days');
    perform public.set_chunk_time_interval('rollup.store_1h', interval '364 days');
end;
$$;
reset role;

-- migrate:down
set local role segs_owner;
do $$
begin
    if to_regclass('rollup.store_1m') is null then -- continuous aggregates: see rollup.driver()
        return;
    end if;
    perform public.set_chunk_time_interval('rollup.store_15m', interval '28 days');
    perform public.set_chunk_time_interval('rollup.store_1h', interval '112 days');
end;
$$;
reset role;
