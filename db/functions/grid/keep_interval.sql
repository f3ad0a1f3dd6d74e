create function grid.keep_interval() returns trigger
language plpgsql
as $$
begin
    insert into grid.past_interval (tenant_id, until, reading_interval)
    select p.tenant_id, p.sealed_until, old.reading_interval
    from grid.window_progress as p
    where p.tenant_id = old.tenant_id
    on conflict do nothing;
    return null;
end;
$$;

comment on function grid.keep_interval() is
'Trigger: readings of windows that are over were taken in the interval that held until now, also those that come late.';
