-- Security definer: the ingest worker says that it is there, and may write nothing about it itself.
create function ingest.beat(door text, at timestamptz default clock_timestamp()) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    seen timestamptz;
begin
    insert into ingest.presence (door, seen_at) values ($1, $2) on conflict do nothing;
    select p.seen_at into seen from ingest.presence as p where p.door = $1 for update;
    if $2 < seen then
        -- The clock was put back: what is claimed of times to come has not been.
        delete from ingest.absence as a where a.door = $1 and lower(a.period) >= $2;
        update ingest.absence as a
        set period = tstzrange(lower(a.period), $2)
        where a.door = $1 and upper(a.period) > $2;
    elsif seen < $2 - (select l.absent_after from ingest.limits as l) then
        delete from ingest.absence as a
        where upper(a.period) < $2 - (select l.max_age + interval '2 days' from ingest.limits as l);
        insert into ingest.absence (door, period) values ($1, tstzrange(seen, $2));
    end if;
    update ingest.presence as p set seen_at = $2 where p.door = $1;
end;
$$;
revoke all on function ingest.beat(text, timestamptz) from public;
grant execute on function ingest.beat(text, timestamptz) to segs_ingest;
comment on function ingest.beat(text, timestamptz) is
'Says that readings can be received by a door (http, queue) at a moment. Since it was last said for too long, there '
'has been an absence.';
