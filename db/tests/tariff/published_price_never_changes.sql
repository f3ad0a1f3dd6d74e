begin;
select plan(6);
select tap.make_tenant('acme');
select tap.close('acme', 'north', '2026-01-01 10:00Z', 500);
select throws_ok($$ update tariff.price set price = 0 $$, '23001', 'a published price never changes', 'no update');
select throws_ok($$ delete from tariff.price $$, '23001', 'a published price never changes', 'no delete');
select throws_ok($$ truncate tariff.price $$, '23001', 'a published price never changes', 'no truncate');
set local role segs_owner;
select throws_ok($$ delete from tariff.price $$, '23001', null, 'not by the owner either');
select throws_ok(
    $$ insert into tariff.price select * from tariff.price $$, '23505', null, 'and no second one for the window'
);
reset role;
select is_empty(
    $$
    select r.rolname, o from pg_roles as r, unnest(array['insert', 'update', 'delete', 'truncate']) as o
    where not r.rolsuper and r.rolname not in ('segs_owner', 'segs_cron') and r.rolname !~ '^pg_'
      and has_table_privilege(r.rolname, 'tariff.price', o)
    $$,
    'nobody but the owner may write prices at all'
);
select * from finish();
rollback;
