create function tariff.create_default_plan(tenant_id integer) returns void
language sql
as $$
    -- The figures are the columns' defaults: 0.12 a kWh, up to twice that at 1000 kWh a region and window.
    insert into tariff.plan (tenant_id, name, validity)
    select $1, 'Standard', '(,)'
    where not exists (select from tariff.plan as p where p.tenant_id = $1)
$$;
revoke all on function tariff.create_default_plan(integer) from public;
comment on function tariff.create_default_plan(integer) is
'Gives a new tenant a plan for all its regions, valid always; nothing if it has one already.';
