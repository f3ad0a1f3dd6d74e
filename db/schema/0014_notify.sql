-- migrate:up
set local role segs_owner;
select pgmq.create('notifications');
select pgmq.create('notifications_dead');
reset role;

-- migrate:down
set local role segs_owner;
select pgmq.drop_queue('notifications_dead');
select pgmq.drop_queue('notifications');
reset role;
