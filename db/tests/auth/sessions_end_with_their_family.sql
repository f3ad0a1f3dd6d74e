begin;
select plan(19);
select tap.make_tenant('acme');
update auth.user_account set verified_at = '2026-01-01', password_hash = 'old';

create function pg_temp.hash(token text) returns bytea
language sql
as $$ select sha256(token::bytea) $$;
create function pg_temp.open(token text, at timestamptz, expected text default null) returns uuid
language sql
as $$
    select session_id
    from auth.open_session(
        tap.account('acme', 'alice'), expected, pg_temp.hash(token), '30 days', 'test', '127.0.0.1', at
    )
$$;
create function pg_temp.refresh(token text, next_token text, at timestamptz) returns text
language sql
as $$ select outcome from auth.refresh_session(pg_temp.hash(token), pg_temp.hash(next_token), at) $$;
create temporary table opened as select pg_temp.open('a1', '2026-01-01') as session_id;

select ok(auth.session_live(session_id, '2026-01-02'), 'a new session stands') from opened;
select is(pg_temp.refresh('a1', 'a2', '2026-01-02'), 'refreshed', 'its token is exchanged');
select is(pg_temp.refresh('a2', 'a3', '2026-01-03'), 'refreshed', 'and so is the next one');
select
    is(
        expires_at, '2026-01-31'::timestamptz, 'which does not make it last longer'
    )
from auth.session as s
join opened as o on o.session_id = s.session_id;
select ok(not auth.session_live(session_id, '2026-01-31'), 'it ends absolutely') from opened;
select is(pg_temp.refresh('a3', 'a4', '2026-01-31'), 'ended', 'and its token with it');

select is(pg_temp.refresh('a2', 'x', '2026-01-04'), 'reused', 'a token used twice is noticed');
select ok(not auth.session_live(session_id, '2026-01-04'), 'the session has ended') from opened;
select is(pg_temp.refresh('a3', 'x', '2026-01-04'), 'ended', 'also for the newest token');
select is(pg_temp.refresh('never', 'x', '2026-01-04'), 'unknown', 'a token that never was is unknown');

select isnt(pg_temp.open('b1', '2026-02-01', 'old'), null, 'the password that was checked is still the one');
select is(pg_temp.open('c1', '2026-02-01', 'other'), null, 'no session opens for a password that is not');
select ok(
    auth.set_password(tap.account('acme', 'alice'), 'new', 'old', null, '2026-02-02'), 'the password is changed'
);
select is(pg_temp.refresh('b1', 'b2', '2026-02-02'), 'ended', 'which ended the session');
select ok(
    not auth.set_password(tap.account('acme', 'alice'), 'newer', 'old', null, '2026-02-02'),
    'a password changed meanwhile is not changed again'
);

select pg_temp.open('d1', '2026-03-01');
update auth.user_account set disabled_at = '2026-03-02' where user_id = tap.account('acme', 'alice');
select is(pg_temp.refresh('d1', 'd2', '2026-03-03'), 'ended', 'a disabled account refreshes nothing');
select is(pg_temp.open('e1', '2026-03-03'), null, 'and opens nothing');
select is_empty(
    $$ select auth.live_sessions(array(select session_id from auth.session), '2026-03-03') $$,
    'no session of a disabled account stands'
);

select auth.prune('2026-05-01');
select is_empty(
    $$ select token_hash from auth.refresh_token $$, 'sessions that ended long ago are removed with their tokens'
);
select * from finish();
rollback;
