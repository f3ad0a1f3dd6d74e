begin;
select plan(6);

insert into grid.tenant (code, name) values ('alpha', 'Alpha');
prepare registration as
select m.code, m.created
from grid.tenant as t
cross join
    grid.register_meters(
        t.tenant_id,
        '[{"meter_id": "A-1", "region": "north"}, {"meter_id": "A-2", "region": "south", "kind": "two_way"},
      {"meter_id": "A-1", "region": "north"}]'
    ) as m
where t.code = 'alpha';

select results_eq(
    'registration', $$ values ('A-1', true), ('A-2', true) $$, 'new meters are created, a repeated one once'
);
select results_eq(
    'registration', $$ values ('A-1', false), ('A-2', false) $$, 'registering them again creates none'
);
select is(
    (
        select m.kind
        from grid.meter as m
        join grid.tenant as t using (tenant_id)
        where t.code = 'alpha' and m.code = 'A-2'
    ),
    'two_way', 'the kind is kept'
);
select throws_ok(
    $$ select * from grid.register_meters(
        (select tenant_id from grid.tenant where code = 'alpha'), '[{"meter_id": "A-3", "region": "nowhere"}]') $$,
    '22023', 'no such region: nowhere', 'an unknown region is refused by name'
);
select throws_ok(
    $$ select * from grid.register_meters(
        (select tenant_id from grid.tenant where code = 'alpha'), '[{"meter_id": "A 3", "region": "north"}]') $$,
    '23514', null, 'a code that is no code is refused'
);
select is(
    (select count(*) from grid.meter join grid.tenant as t using (tenant_id) where t.code = 'alpha'),
    2::bigint, 'a refused registration creates none of its meters'
);

select * from finish();
rollback;
