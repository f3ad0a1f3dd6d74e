create function grid.empty_until(
    tenant_id integer, since timestamptz, until timestamptz, at timestamptz
) returns timestamptz
language plpgsql stable
set plan_cache_mode = force_custom_plan -- the range decides which chunk
as $$
declare
    -- Of the day before, every window has a load, no matter who sent.
    last_window constant timestamptz := least(until, grid.window_start(at - interval '1 day'));
    by_key constant boolean := grid.reads_by_meter(tenant_id);
    window_start timestamptz := since;
    window_end timestamptz;
    step interval := interval '15 minutes';
begin
    -- Where meters are asked one by one, a day costs no more than a window.
    while window_start < last_window loop
        window_end := least(window_start + step, last_window);
        if by_key then
            exit when exists (
                select from grid.meter as m
                where m.tenant_id = empty_until.tenant_id
                  and exists (
                      select from grid.reading as r
                      where r.meter_id = m.meter_id and r.ts >= window_start and r.ts < window_end
                      limit 1
                  )
            );
        else
            exit when exists (
                select from grid.reading as r
                where r.ts >= window_start and r.ts < window_end
                  and exists (
                      select from grid.meter as m
                      where m.meter_id = r.meter_id and m.tenant_id = empty_until.tenant_id
                      limit 1
                  )
            );
        end if;
        window_start := window_end;
        exit when not by_key;
        step := least(2 * step, interval '1 day');
    end loop;
    return window_start;
end;
$$;

comment on function grid.empty_until(integer, timestamptz, timestamptz, timestamptz) is
'How far from a moment on a tenant has no readings, as far as that is more than a day ago: in these windows nobody '
'sent, and nobody waits for them. The moment itself where its window has some or is younger. Perhaps not all of the '
'way.';
