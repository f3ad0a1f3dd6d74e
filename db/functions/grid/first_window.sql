create function grid.first_window(tenant_id integer) returns timestamptz
language sql stable
return grid.window_start(coalesce(
    (select min(b.first_ts) from ingest.batch as b where b.tenant_id = first_window.tenant_id),
    (
        select min(r.ts)
        from grid.meter as m
        cross join lateral (
            select o.ts from grid.reading as o where o.meter_id = m.meter_id order by o.ts limit 1
        ) as r
        where m.tenant_id = first_window.tenant_id
    )
));

comment on function grid.first_window (integer) is
'The window in which a tenant''s readings begin: that of its first batch, else of its earliest reading; null without any.';
