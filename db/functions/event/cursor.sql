-- Security definer: the epoch stands in event.state, which no reader of cursors may read.
create function event.cursor(xid xid8, id bigint) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select rtrim(translate(encode(convert_to(format('%s.%s.%s', s.epoch, $1, $2), 'UTF8'), 'base64'), '+/', '-_'), '=')
    from event.state as s
$$;
revoke all on function event.cursor(xid8, bigint) from public;
grant execute on function event.cursor(xid8, bigint) to segs_relay, segs_api, consumer, operator, admin;
comment on function event.cursor(xid8, bigint) is
'A position as clients carry it: base64url, without padding, of "epoch.xid.id". The relay makes and reads the '
'same text.';
