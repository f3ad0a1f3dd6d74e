create function event.parse_cursor(cursor_text text) returns text[]
language plpgsql immutable
as $$
declare
    unpadded constant text := rtrim(translate(cursor_text, '-_', '+/'), '=');
begin
    if length(cursor_text) > 100 then
        return null;
    end if;
    return regexp_match(
        convert_from(decode(rpad(unpadded, (length(unpadded) + 3) / 4 * 4, '='), 'base64'), 'UTF8'),
        '^(\d{1,10})\.(\d{1,19})\.(\d{1,18})$'
    );
exception when data_exception or character_not_in_repertoire then
    return null; -- not base64, or not text
end;
$$;
revoke all on function event.parse_cursor(text) from public;
comment on function event.parse_cursor(text) is 'Epoch, xid and id out of a cursor; null when it is none.';
