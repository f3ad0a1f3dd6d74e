create function grid.first_window(tenant_id integer) returns timestamptz
language plpgsql stable
as $$
declare
    first_reading timestamptz;
begin
    select min(b.first_ts) into first_reading from ingest.batch as b where b.tenant_id = first_window.tenant_id;
    -- Readings loaded past the ingest worker and the queue leave no batch. This is asked again and again for a tenant
    -- that has none at all, so a thousand of its meters must do to say whether there are any.
    if first_reading is null and exists (
        select
        from (
            select o.meter_id from grid.meter as o
            where o.tenant_id = first_window.tenant_id order by o.meter_id limit 1000
        ) as m
        where exists (select from grid.reading as r where r.meter_id = m.meter_id)
    ) then
        select min(r.ts) into first_reading
        from grid.meter as m
        cross join lateral (
            select o.ts from grid.reading as o where o.meter_id = m.meter_id order by o.ts limit 1
        ) as r
        where m.tenant_id = first_window.tenant_id;
    end if;
    return grid.window_start(first_reading);
end;
$$;

comment on function grid.first_window(integer) is
'The window in which a tenant''s readings begin: that of its first batch, else of its earliest reading; null '
'without any.';
