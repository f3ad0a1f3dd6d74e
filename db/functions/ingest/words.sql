create function ingest.words(duration interval) returns text
language sql immutable parallel safe
return (
    select
        case when s.n % 86400 = 0 then s.n / 86400 || ' days'
            when s.n % 3600 = 0 then s.n / 3600 || ' hours'
            when s.n % 60 = 0 then s.n / 60 || ' minutes'
            else s.n || ' seconds'
        end
    from (select extract(epoch from duration)::bigint as n) as s
);

comment on function ingest.words(interval) is 'A duration as people say it, in the largest whole unit.';
