begin;
select plan(3);

insert into grid.tenant (code, name) values ('newcomer', 'Newcomer');

select set_eq(
    $$ select r.code from grid.region as r join grid.tenant as t using (tenant_id) where t.code = 'newcomer' $$,
    array['north', 'south', 'east', 'west', 'central'],
    'a new tenant has the five regions'
);
select is(
    (select count(*) from tariff.plan join grid.tenant as t using (tenant_id) where t.code = 'newcomer'),
    1::bigint, 'and a tariff plan'
);
select set_eq(
    $$ select r.kind from alert.rule as r join grid.tenant as t using (tenant_id) where t.code = 'newcomer' $$,
    array['high', 'zero', 'negative', 'silent'],
    'and a rule for every kind of alert'
);

select * from finish();
rollback;
