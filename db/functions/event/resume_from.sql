-- Security definer: the horizon stands in event.state, which the API may not read.
create function event.resume_from(cursor_text text) returns table (xid xid8, id bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    horizon record;
    wanted text [];
begin
    select h.epoch, h.xid, h.id into horizon from event.horizon() as h;
    if cursor_text is null then
        return query select horizon.xid, horizon.id;
        return;
    end if;
    wanted := event.parse_cursor(cursor_text);
    if wanted is null then
        raise sqlstate 'PT400' using
            message = 'That is not a cursor', hint = 'Give back the cursor of an event as it was, or none at all.';
    end if;
    if wanted[1]::bigint <> horizon.epoch
       or (wanted[2]::xid8, wanted[3]::bigint) < (horizon.xid, horizon.id) then
        raise sqlstate 'PT410' using
            message = 'Events after this cursor are no longer kept',
            hint = 'Begin again without a cursor, and read the present state from the other resources.';
    end if;
    if exists (
        select from event.position() as p where (wanted[2]::xid8, wanted[3]::bigint) > (p.xid, p.id)
    ) then
        raise sqlstate 'PT410' using
            message = 'The cursor is ahead of the event log',
            hint = 'Begin again without a cursor, and read the present state from the other resources.';
    end if;
    return query select wanted[2]::xid8, wanted[3]::bigint;
end;
$$;
revoke all on function event.resume_from(text) from public;
grant execute on function event.resume_from(text) to segs_api;
comment on function event.resume_from(text) is
'The position in a client''s cursor, or the horizon for null. Raises PT400 for what is no cursor, PT410 when '
'events after it are gone, it is of another epoch or ahead of the log.';
