create function grid.interval_at(tenant_id integer, ts timestamptz) returns interval
language sql stable
return (
    select v.reading_interval
    from (
        select p.until, p.reading_interval
        from grid.past_interval as p
        where p.tenant_id = interval_at.tenant_id and p.until > interval_at.ts
        union all
        select 'infinity', t.reading_interval
        from grid.tenant as t
        where t.tenant_id = interval_at.tenant_id
    ) as v
    order by v.until
    limit 1
);

comment on function grid.interval_at(integer, timestamptz) is
'Interval of a tenant''s readings that begin at a time.';
