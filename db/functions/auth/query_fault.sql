-- Security: the query is judged as it was sent, because PostgREST's own reading of it is not to be had here. So each
-- pattern below takes in more than it must, and letters written in percent are refused: a name is what it looks like.
create function auth.query_fault(query text) returns text
language plpgsql volatile
as $$
declare
    row_functions constant text := auth.row_functions();
begin
    -- Most queries hold nothing of all this, and one pattern that never looks ahead says so quickly.
    if query !~ (
        '\(|%(28|3[0-9]|[4-7])|match|fts|like|(:|%3[Aa])(:|%3[Aa])'
        || '|([^A-Za-z0-9_]|%..)(' || row_functions || ')([^A-Za-z0-9_]|$)'
    ) then
        return null;
    end if;

    if query ~ '%(3[0-9]|4[1-9A-Fa-f]|5[0-9AFaf]|6[1-9A-Fa-f]|7[0-9Aa])' then
        return 'Letters, digits and underscores stand for themselves in a query, not in percent';
    end if;
    if query ~ '[?&;.](select|order)=[^&;]*(\(|%28)' then
        return 'Views have no parts of other views, and no sums: select and order take names alone';
    end if;
    if query ~ '(=|\.|%2[Ee])(i?match|(pl|ph|w)?fts)(\.|\(|%2[Ee]|%28)' then
        return 'Regular expressions and text search are not served; use like with *';
    end if;
    if query ~ '(=|\.|%2[Ee])i?like(\.|\(|%2[Ee]|%28)' and regexp_count(query, '\*|%2[Aa]|%25') > 10 then
        return 'A pattern has at most 10 wildcards';
    end if;
    if query ~ (
        '(:|%3[Aa]){2}(?!(text|smallint|integer|bigint|int[248]?|numeric|real|float[48]?|boolean|bool|date|time|timestamp'
        || '|timestamptz|interval|json|jsonb|uuid)([],&;)-]|%2[Cc]|%29|$))'
    ) then
        return 'Columns are cast to text, numbers, times, boolean, uuid or json alone';
    end if;
    -- Where a name may stand: not after a dot or a star (those are values), nor in a path into JSON.
    if query ~ (
        '([^A-Za-z0-9_.*>%]|%(?!3[Ee]|2[AaEe])[0-9A-Fa-f]{2})(' || row_functions || ')([^A-Za-z0-9_]|$)'
    ) then
        return format(
            '%s is no column',
            (regexp_match(query, '(?:[^A-Za-z0-9_]|%[0-9A-Fa-f]{2})(' || row_functions || ')(?![A-Za-z0-9_])'))[1]
        );
    end if;
    return null;
end;
$$;
revoke all on function auth.query_fault(text) from public;
comment on function auth.query_fault(text) is
'Why a query string (as the edge passes it on, after its question mark) is not served: it would call functions by '
'their names, embed, cast to types that look things up, or search by patterns without a bound. Null: it is.';
