create function auth.row_functions() returns text
language plpgsql volatile
as $$
declare
    -- Asked of the catalog once a connection.
    known text := nullif(current_setting('segs.row_functions', true), '');
begin
    if known is null then
        select string_agg(distinct p.proname, '|' order by p.proname) into known
        from pg_proc as p
        where
            p.pronamespace in ('pg_catalog'::regnamespace, 'api'::regnamespace)
            and p.pronargs >= 1 and p.pronargs - p.pronargdefaults <= 1
            and (
                p.provariadic <> 0
                or p.proargtypes[0] = any(array[
                    '"any"', 'anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray', 'record'
                ]::regtype[])
                or exists (select from pg_type as t where t.oid = p.proargtypes[0] and t.typtype = 'c')
            );
        perform set_config('segs.row_functions', known, false);
    end if;
    return known;
end;
$$;
revoke all on function auth.row_functions() from public;
comment on function auth.row_functions() is
'Names of the functions that a row may be given to, as alternatives of a regular expression: where a view has no '
'column of such a name, PostgreSQL takes view.name for name(view).';
