begin;
select plan(33);
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

-- The same token again, because two tabs had it or an answer was lost.
select pg_temp.open('r1', '2026-01-10');
select is(pg_temp.refresh('r1', 'r2', '2026-01-11 00:00:00'), 'refreshed', 'a token is exchanged');
select is(pg_temp.refresh('r1', 'r2', '2026-01-10 23:59:59'), 'refreshed', 'again, of a request that began before');
select
    results_eq(
        $$ select outcome, issued_at from auth.refresh_session(
               pg_temp.hash('r1'), pg_temp.hash('r2'), '2026-01-11 00:00:09.9') $$,
        $$ values ('refreshed', '2026-01-11'::timestamptz) $$, 'again, seconds later: the same next token'
    );
select
    is(
        count(*), 1::bigint, 'and there is one next token'
    )
from auth.refresh_token
where issued_at between '2026-01-11' and '2026-01-12';
select is(pg_temp.refresh('r2', 'r3', '2026-01-11 00:00:09.9'), 'refreshed', 'the next one is good');
select is(pg_temp.refresh('r1', 'r2', '2026-01-11 00:00:09.9'), 'reused', 'once it was used, the old one is a copy');
select is(pg_temp.refresh('r3', 'r4', '2026-01-11 00:00:09.9'), 'ended', 'and the family has ended');
select pg_temp.open('s1', '2026-01-10');
select pg_temp.refresh('s1', 's2', '2026-01-11 00:00:00');
select is(pg_temp.refresh('s1', 's2', '2026-01-11 00:00:10'), 'reused', 'ten seconds later it is a copy too');
select pg_temp.open('t1', '2026-01-10');
select pg_temp.refresh('t1', 't2', '2026-01-11 00:00:00');
select is(pg_temp.refresh('t1', 'x', '2026-01-11 00:00:01'), 'reused', 'nobody gets another next token for it');
select pg_temp.open('u1', '2026-01-10');
select pg_temp.refresh('u1', 'u2', '2026-01-11 00:00:00');
select isnt(auth.close_session(pg_temp.hash('u1'), '2026-01-11 00:00:01'), null, 'the old token signs out');
select is(pg_temp.refresh('u1', 'u2', '2026-01-11 00:00:02'), 'ended', 'after which it gives nothing');
select pg_temp.open('v1', '2026-01-10'), pg_temp.open('w1', '2026-01-10');
select pg_temp.refresh('v1', 'v2', '2026-01-11 00:00:00'), pg_temp.refresh('w1', 'w2', '2026-01-11 00:00:00');
select is(pg_temp.refresh('v1', 'w2', '2026-01-11 00:00:01'), 'reused', 'the next token of another family is none');
select is(pg_temp.refresh('w1', 'w2', '2026-01-11 00:00:01'), 'refreshed', 'which goes on');
select is(pg_temp.refresh('w1', 'w2', '2026-02-09 00:00:00'), 'reused', 'but not for ever');

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
