begin;
select plan(10);
select tap.make_tenant('acme');
select tap.make_tenant('other');

select tap.sign_in('acme', 'operator');
select results_eq(
    $$ select * from api.register_meters('[{"meter_id": "N-1", "region": "north"},
        {"meter_id": "M-1", "region": "south", "kind": "two_way"}]') $$,
    $$ values ('M-1', false, '{region,kind}'::text[]), ('N-1', true, '{}') $$,
    'new meters are made, others stay, and the answer says what was sent otherwise'
);
select is((select region || kind from api.meters where meter_id = 'M-1'), 'northone_way', 'as they were');
select is((select count(*) from api.meters), 6::bigint, 'in the caller''s tenant');
select throws_ok(
    $$ select api.register_meters('[{"meter_id": "N-2", "region": "nowhere"}]') $$, '22023',
    'meters[0]: there is no region nowhere', 'unknown region'
);
select throws_ok(
    $$ select api.register_meters('[{"meter_id": "not a code", "region": "north"}]') $$, 'PT422', null, 'bad code'
);
select throws_ok($$ select api.register_meters('{}') $$, 'PT422', null, 'no list');
select throws_ok($$ select api.register_meters('[]') $$, 'PT422', null, 'empty list');
select throws_ok($$ select api.register_meters(null) $$, 'PT422', null, 'nothing');
select tap.sign_in('other', 'operator');
select is((select count(*) from api.meters), 5::bigint, 'the other tenant has what it had');
select tap.sign_in('acme', 'alice');
select throws_ok(
    $$ select api.register_meters('[{"meter_id": "N-3", "region": "north"}]') $$, '42501', null, 'consumers cannot'
);
select * from finish();
rollback;
