begin;
select plan(20);
select tap.make_tenant('acme');
select tap.make_tenant('other');
select tap.sign_in('acme', 'operator');
select is((api.update_meter('M-1', region => 'west')).region, 'west', 'a meter is moved');
select
    is((api.update_meter('M-2', kind => 'two_way', since => now() - interval '1 day')).kind, 'two_way', 'gets panels');
select is(
    (api.update_meter('M-3', retired => true, since => now() - interval '1 hour')).retired_at,
    now() - interval '1 hour',
    'goes out of service'
);
select is((api.update_meter('M-3', retired => false)).retired_at, null, 'and comes back');
select is((api.update_meter('M-1', region => 'west')).region, 'west', 'asked twice, it is so once');
select is((api.update_meter('M-1', connection_kw => 43.5)).connection_kw, 43.5, 'its connection is known');
select throws_ok(
    $$ select api.update_meter('M-1', connection_kw => -1) $$, 'PT422',
    'connection_kw is not a number above 0, up to 1000000', 'no connection'
);
select lives_ok(
    $$ select api.register_meters('[{"meter_id": "M-77", "region": "west", "connection_kw": 12.5}]') $$,
    'or said at once'
);
select is((select m.connection_kw from api.meters as m where m.meter_id = 'M-77'), 12.5, 'and shown');
select throws_ok($$ select api.update_meter('M-9', region => 'west') $$, 'PT404', 'There is no meter M-9', 'no meter');
select
    throws_ok($$ select api.update_meter('M-1', region => 'moon') $$, 'PT404', 'There is no region moon', 'no region');
select
    throws_ok(
        $$ select api.update_meter('M-1', kind => 'twoway') $$, 'PT422', 'kind is not one_way or two_way', 'no kind'
    );
select throws_ok($$ select api.update_meter('M-1') $$, 'PT422', 'nothing is to change', 'nothing');
select throws_ok(
    $$ select api.update_meter('M-1', kind => 'two_way', since => 'infinity') $$,
    'PT422',
    'since is not a time',
    'no time'
);
select throws_ok(
    $$ select api.update_meter('M-1', kind => 'two_way', since => now() + interval '1 s') $$, 'PT422',
    'since is in the future', 'not yet'
);
select throws_ok(
    $$ select api.update_meter('M-1', kind => 'two_way', since => now() - interval '36 days') $$, 'PT422',
    'since is more than 35 days ago', 'too long ago'
);
select throws_ok(
    $$ select api.update_meter('M-1', kind => 'two_way', since => now() - interval '1 day') $$, 'PT409',
    'The meter was installed or changed later than that', 'it was moved since'
);
select is((select kind from api.meters where meter_id = 'M-1'), 'one_way', 'what is refused changes nothing');
select tap.sign_in('other', 'operator');
select
    is(
        (select string_agg(distinct kind, ' ') from api.meters),
        'one_way',
        'the other tenant''s meters are as they were'
    );
select tap.sign_in('acme', 'alice');
select throws_ok($$ select api.update_meter('M-1', kind => 'two_way') $$, '42501', null, 'consumers cannot');
select * from finish();
rollback;
