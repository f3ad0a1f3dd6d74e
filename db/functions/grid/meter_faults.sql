create function grid.meter_faults(meters jsonb) returns table (place bigint, fault text)
language sql stable
as $$
    with given as (
        select e.place - 1 as place, e.meter, grid.meter_fault(e.meter) as fault
        from jsonb_array_elements($1) with ordinality as e (meter, place)
    ),

    named as (
        select g.place, g.fault, g.meter ->> 'meter_id' as code,
            min(g.place) filter (where g.fault is null) over (partition by g.meter ->> 'meter_id') as first_place
        from given as g
    )

    select n.place, coalesce(n.fault, format('meter_id %s is that of meters[%s] too', n.code, n.first_place))
    from named as n
    where n.fault is not null or n.first_place < n.place
    order by n.place
$$;
revoke all on function grid.meter_faults(jsonb) from public;
grant execute on function grid.meter_faults(jsonb) to segs_api;
comment on function grid.meter_faults(jsonb) is
'Which entries of a list of meters are wrong (grid.meter_fault), or name a meter again, and why; places count from 0.';
