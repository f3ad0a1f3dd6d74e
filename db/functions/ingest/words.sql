create function ingest.words(duration interval) returns text
language sql immutable parallel safe
return (
    select u.count || ' ' || u.unit || case when u.count <> 1 then 's' else '' end
    from (
        select
            trim_scale(s.n / w.size) as count,
            w.unit,
            w.size
        from (select extract(epoch from duration) as n) as s
        cross join (values (86400, 'day'), (3600, 'hour'), (60, 'minute'), (1, 'second')) as w (size, unit)
        where w.size = 1 or (s.n <> 0 and s.n % w.size = 0)
    ) as u
    order by u.size desc
    limit 1
);

comment on function ingest.words(interval) is
'A duration as people say it, in the largest unit that gives a whole number.';
