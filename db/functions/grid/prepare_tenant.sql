create function grid.prepare_tenant() returns trigger
language plpgsql
as $$
begin
    insert into grid.region (tenant_id, code, name)
    select new.tenant_id, r.code, r.name
    from (values ('north', 'North'), ('south', 'South'), ('east', 'East'), ('west', 'West'), ('central', 'Central'))
        as r (code, name);
    perform tariff.create_default_plan(new.tenant_id);
    perform alert.create_default_rules(new.tenant_id);
    return null;
end;
$$;

comment on function grid.prepare_tenant() is
'Trigger: a new tenant starts with five regions, a tariff plan and alert rules.';
