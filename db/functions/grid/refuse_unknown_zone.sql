create function grid.refuse_unknown_zone() returns trigger
language plpgsql
as $$
declare
    fault text;
begin
    -- Asked when it is chosen: a tenant restored from a server that knows more zones can be renamed here.
    if tg_op = 'INSERT' or new.time_zone <> old.time_zone then
        fault := grid.time_zone_fault(new.time_zone);
        if fault is not null then
            raise exception using
                errcode = 'check_violation', message = fault, hint = 'Name one of IANA''s, such as Europe/Berlin.';
        end if;
    end if;
    return new;
end;
$$;
revoke all on function grid.refuse_unknown_zone() from public;
comment on function grid.refuse_unknown_zone() is
'Trigger: refuses a time zone that this server does not know or that another would take otherwise.';
