begin;
select plan(14);
select tap.make_tenant('acme');
select tap.make_tenant('other');
select tap.own('acme', 'M-3', 'alice', '[2024-01-01 00:00Z, 2025-01-01 00:00Z)');

create temp view ids as
select tap.account('acme', u) as id, u as name from unnest(array['alice', 'operator', 'admin']) as u;
create temp table known as select * from ids;
grant select on known to segs_relay;
create temp table expected as
select
    tap.tenant('acme') as tenant_id, tap.meter('acme', 'M-1') as m1, tap.meter('acme', 'M-3') as m3,
    tap.region('acme', 'north') as north, tap.region('acme', 'east') as east;
grant select on expected to segs_relay;

set local role segs_relay;
create function pg_temp.scope_of(wanted text) returns table (
    tenant_id integer, role text, meters jsonb, regions jsonb
)
language sql
as $$
    select s.* from known as k, event.scope(k.id, 'acme') as s where k.name = wanted
$$;
select is((select tenant_id from pg_temp.scope_of('alice')), (select tenant_id from expected), 'a consumer''s tenant');
select is((select role from pg_temp.scope_of('alice')), 'consumer', 'and role');
select is(
    (select meters from pg_temp.scope_of('alice')),
    (
        select
            jsonb_build_array(
                jsonb_build_object('meter_id', m1, 'code', 'M-1', 'from', '2020-01-01 00:00Z'::timestamptz, 'to', null),
                jsonb_build_object(
                    'meter_id', m3, 'code', 'M-3', 'from', '2024-01-01 00:00Z'::timestamptz,
                    'to', '2025-01-01 00:00Z'::timestamptz
                )
            )
        from expected
    ),
    'their meters in their periods'
);
select
    is(
        (select regions from pg_temp.scope_of('alice')),
        (
            select jsonb_agg(r order by r -> 'region_id')
            from (
                select
                    jsonb_build_object(
                        'region_id', north, 'from', '2020-01-01 00:00Z'::timestamptz, 'to', null
                    ) as r
                from expected
                union all
                select
                    jsonb_build_object(
                        'region_id',
                        east,
                        'from',
                        '2024-01-01 00:00Z'::timestamptz,
                        'to',
                        '2025-01-01 00:00Z'::timestamptz
                    )
                from expected
            ) as there
        ),
        'the regions of them in those periods'
    );
select results_eq(
    $$ select role, meters, regions from pg_temp.scope_of('operator') $$,
    $$ values ('operator', null::jsonb, null::jsonb) $$, 'an operator hears all of the tenant'
);
select is((select role from pg_temp.scope_of('admin')), 'admin', 'and an admin');
select is_empty($$ select * from event.scope(gen_random_uuid(), 'acme') $$, 'an unknown user hears nothing');
select is_empty(
    $$ select * from event.scope((select id from known where name = 'alice'), 'other') $$,
    'nor does one whose token names another tenant'
);
select is(
    (select array_agg(code order by code) from event.meter_ids((select tenant_id from expected), '{M-1,M-2,X}')),
    '{M-1,M-2}',
    'meter codes to keys; unknown ones are absent'
);
select is(
    (select region_id from event.region_ids((select tenant_id from expected), '{north,moon}')),
    (select north from expected),
    'region codes to keys'
);
select is_empty($$ select * from event.meter_ids(-1, '{M-1}') $$, 'of that tenant only');
select throws_ok($$ select * from event.log $$, '42501', null, 'the relay reads no table itself');
select throws_ok($$ select * from auth.user_account $$, '42501', null, 'not even accounts');
reset role;
update auth.user_account set disabled_at = now() where user_id = (select id from known where name = 'alice');
select
    is_empty(
        $$ select * from event.scope((select id from known where name = 'alice'), 'acme') $$,
        'a disabled user hears nothing'
    );
select * from finish();
rollback;
