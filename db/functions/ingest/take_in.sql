create function ingest.take_in(
    messages pgmq.message_record[], at timestamptz, out accepted integer, out duplicates integer, out rejected integer
)
language plpgsql
as $$
begin
    select count(*) filter (where s.outcome = 'accepted'), count(*) filter (where s.outcome = 'duplicate'),
        count(*) filter (where s.outcome = 'refused')
    into take_in.accepted, take_in.duplicates, take_in.rejected
    from (
        select array_agg(t.tenant_id order by m.msg_id, r.position) as tenant_ids,
            array_agg(r.reading order by m.msg_id, r.position) as readings,
            array_agg(m.message ->> 'stamped' order by m.msg_id, r.position) as stamped
        from unnest(take_in.messages) as m
        join grid.tenant as t on t.code = m.message ->> 'tenant'
        cross join jsonb_array_elements(m.message -> 'readings') with ordinality as r (reading, position)
    ) as g
    cross join lateral ingest.store('queue', g.tenant_ids, g.readings, g.stamped, take_in.at) as s;
    perform pgmq.archive('raw_readings', array(select m.msg_id from unnest(take_in.messages) as m));
end;
$$;

comment on function ingest.take_in(pgmq.message_record[], timestamptz) is
'Stores the readings of raw_readings messages and archives the messages, together.';
