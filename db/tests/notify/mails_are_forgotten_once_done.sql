begin;
select plan(9);
select tap.make_tenant('acme');

select isnt(
    notify.queue_mail('verify_code', tap.account('acme', 'alice'), '{"code": "1"}'), null, 'a mail is queued'
);
select is(notify.queue_mail('verify_code', gen_random_uuid()), null, 'not to nobody');
create temporary table taken as select * from notify.take(10, 60);
select is((select message ->> 'to' from taken), 'alice@acme.example', 'it is taken');
select is_empty($$ select * from notify.take(10, 60) $$, 'and taken by nobody else');
select ok(notify.retry(msg_id, 0), 'it can be put back') from taken;
select is((select read_ct from notify.take(10, 60)), 2, 'and taken again');
select ok(notify.bury(msg_id, E'550\r\nno such mailbox'), 'it can be given up') from taken;
select is(
    (select message - array['enqueued_at', 'msg_id'] from pgmq.q_notifications_dead),
    jsonb_build_object(
        'reason', '550 no such mailbox', 'read_ct', 2, 'message', jsonb_build_object(
            'kind', 'verify_code', 'tenant', 'acme', 'user_id', tap.account('acme', 'alice'), 'expires_at', null
        )
    ),
    'with its reason, and nothing personal'
);
select ok(not notify.done(msg_id), 'done with, it is gone') from taken;
select * from finish();
rollback;
