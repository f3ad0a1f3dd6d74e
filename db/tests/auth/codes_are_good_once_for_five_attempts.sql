begin;
select plan(15);
select tap.make_tenant('acme');

create function pg_temp.hash(code text) returns bytea
language sql
as $$ select sha256(code::bytea) $$;
create function pg_temp.register(email text, at timestamptz, password text default 'pw', known text default null)
returns text
language sql
as $$ select auth.register('acme', email, 'New', null, password, known, '111111', pg_temp.hash('111111'), at) $$;
create function pg_temp.confirm(code text, at timestamptz) returns boolean
language sql
as $$ select auth.confirm('acme', 'new@acme.example', pg_temp.hash(code), at) is not null $$;
create function pg_temp.password() returns text
language sql
as $$ select password_hash from auth.user_account where email = 'new@acme.example' $$;

select is(pg_temp.register('new@acme.example', '2026-01-01 12:00'), 'created', 'an account is made');
select is(
    (select message -> 'data' ->> 'code' from pgmq.q_notifications), '111111', 'its code is queued with it'
);
select ok(not pg_temp.confirm('111111', '2026-01-01 12:10'), 'after ten minutes the code is void');
select auth.send_code('acme', 'new@acme.example', 'verify', '2', pg_temp.hash('222222'), '2026-01-01 12:10');
select ok(not pg_temp.confirm('111111', '2026-01-01 12:11'), 'a new code replaces the old one');
select ok(not pg_temp.confirm('00000' || n, '2026-01-01 12:11'), 'a wrong one is refused')
from generate_series(1, 4) as n;
select ok(not pg_temp.confirm('222222', '2026-01-01 12:11'), 'after five attempts the right one is refused');

select is(
    pg_temp.register('new@acme.example', '2026-01-01 13:00', 'pw2'), 'repeated', 'registering again is possible'
);
select is(pg_temp.password(), null, 'and trusts neither password');
select ok(pg_temp.confirm('111111', '2026-01-01 13:01'), 'the newest code confirms');
select ok(not pg_temp.confirm('111111', '2026-01-01 13:01'), 'once');
select is(
    pg_temp.register('new@acme.example', '2026-01-01 13:02', 'pw3'), 'known', 'a confirmed account is left alone'
);
select is(
    auth.register('platform', 'a@b.example', 'A', null, null, null, '1', pg_temp.hash('1')), 'unknown_tenant',
    'nobody registers with the platform itself'
);
select * from finish();
rollback;
