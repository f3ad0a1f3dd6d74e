create function grid.follow_loads() returns trigger
language plpgsql
as $$
declare
    loads constant grid.region_load[] := (
        select array_agg(l::grid.region_load order by l.window_start, l.region_id) from added as l
    );
begin
    if loads is not null then
        -- Statements make the order in which listeners hear it: first what happened, then what follows from it.
        perform event.tell_loads(loads);
        perform tariff.publish_prices(loads);
    end if;
    return null;
end;
$$;
revoke all on function grid.follow_loads() from public;
comment on function grid.follow_loads() is
'Trigger: tells the loads of a statement, then prices the windows after them.';
