-- What a late reading is summed with, that of its day too, has to be there.
create function ingest.keep_sums() returns trigger
language plpgsql
as $$
declare
    gone constant timestamptz := (select max(r.dropped_before) from grid.retention as r where r.name like 'readings%');
begin
    if clock_timestamp() - new.max_age - interval '2 days' < gone then
        raise check_violation using
            message = format('max_age reaches back before %s: what readings of then are summed with was dropped', gone),
            hint = 'Keep readings longer first (grid.retention); then they can be older as time goes on.';
    end if;
    return new;
end;
$$;

comment on function ingest.keep_sums() is
'Trigger: refuses a max_age that would let in readings from before what retention has dropped.';
