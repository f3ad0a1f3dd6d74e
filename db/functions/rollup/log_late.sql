-- Security definer: whoever may insert readings may not touch the rollups' books.
--
-- Every insert holds the readings lock in share mode until it commits; rollup.advance takes it exclusively to move
-- the threshold. So an insert either committed before the move, and is seen by what is materialised after it, or
-- reads the new threshold here. A transaction with an old snapshot cannot read it, and logs everything.
create function rollup.log_late() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    late_before timestamptz;
begin
    perform pg_advisory_xact_lock_shared('grid.reading'::regclass::oid::bigint);
    select case when current_setting('transaction_isolation') = 'read committed' then d.threshold else 'infinity' end
    into late_before
    from rollup.definition as d
    where d.source is null;

    if exists (select from inserted as i where i.ts < late_before) then
        insert into rollup.late (name, meter_id, bucket)
        select distinct d.name, i.meter_id, public.time_bucket(d.width, i.ts)
        from rollup.definition as d
        cross join inserted as i
        where d.source is null and i.ts < late_before;
    end if;
    return null;
end;
$$;

comment on function rollup.log_late() is
'Trigger, incremental driver: logs which meters in which buckets an insert changed below the threshold.';
