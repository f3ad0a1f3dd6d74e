create function event.on_price() returns trigger
language plpgsql
-- An event reads alike, whatever zone the session keeps that caused it.
set timezone to 'UTC'
as $$
begin
    insert into event.log (tenant_id, topic, region_id, happened, payload)
    select
        p.tenant_id,
        'price.published',
        p.region_id,
        tstzrange(p.window_start, p.window_start + interval '15 minutes'),
        -- What was published from outside has no multiplier.
        jsonb_strip_nulls(jsonb_build_object(
            'region', r.code,
            'window_start', p.window_start,
            'window_end', p.window_start + interval '15 minutes',
            'price', trim_scale(p.price),
            'multiplier', trim_scale(p.multiplier),
            'currency', t.currency
        ))
    from added as p
    join grid.region as r using (region_id)
    join grid.tenant as t on t.tenant_id = p.tenant_id
    order by p.window_start, r.code;
    if found then
        perform event.wake();
    end if;
    return null;
end;
$$;
revoke all on function event.on_price() from public;
comment on function event.on_price() is 'Trigger: tells the prices that a statement published.';
