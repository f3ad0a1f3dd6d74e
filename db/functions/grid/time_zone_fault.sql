create function grid.time_zone_fault(zone text) returns text
language sql stable
as $$
    select case
        -- localtime and posixrules are the machine's own, right/ counts leap seconds, posix/ names the same twice.
        when $1 ~ '^(posix|right)/' or $1 in ('localtime', 'posixrules', 'Factory') then 'time_zone depends on the machine'
        -- "at time zone" takes these for their abbreviations, which know no summer.
        when $1 in ('CET', 'EET', 'EST', 'HST', 'MET', 'MST', 'WET')
            then 'time_zone is an abbreviation: name a place, such as Europe/Berlin'
        -- By its exact name: PostgreSQL would take any rule of POSIX, such as Mars/Phobos5, too.
        when not exists (select from pg_timezone_names as z where z.name = $1) then 'time_zone is not an IANA time zone'
    end
$$;
revoke all on function grid.time_zone_fault(text) from public;
grant execute on function grid.time_zone_fault(text) to segs_api;
comment on function grid.time_zone_fault(text) is
'Why a tenant cannot count its days in a time zone; null if it can. IANA''s older names (Asia/Calcutta, US/Eastern: '
'browsers report them) are as good as the new; on Debian they are in the package tzdata-legacy.';
