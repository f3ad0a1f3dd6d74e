create function ingest.drain_queue(
    max_messages integer default 500, at timestamptz default now(),
    out messages integer, out accepted integer, out duplicates integer, out rejected integer, out dead integer
)
language plpgsql
as $$
declare
    received pgmq.message_record[];
    poisoned bigint[];
    one pgmq.message_record;
    done record;
begin
    received := array(select m from pgmq.read('raw_readings', 60, max_messages) as m);
    messages := cardinality(received);
    accepted := 0;
    duplicates := 0;
    rejected := 0;
    poisoned := ingest.bury(received);
    dead := cardinality(poisoned);
    received := array(select m from unnest(received) as m where m.msg_id <> all (poisoned) order by m.msg_id);
    if cardinality(received) = 0 then
        return;
    end if;

    begin
        select * into accepted, duplicates, rejected from ingest.take_in(received, at);
    exception when others then
        -- One message broke the lot: each by itself then. The culprit stays, is delivered again, and is buried
        -- in the end.
        foreach one in array received loop
            begin
                select * into done from ingest.take_in(array[one], at);
                accepted := accepted + done.accepted;
                duplicates := duplicates + done.duplicates;
                rejected := rejected + done.rejected;
            exception when others then
                raise warning 'raw_readings message % not taken in: %', one.msg_id, sqlerrm;
            end;
        end loop;
    end;
end;
$$;

comment on function ingest.drain_queue(integer, timestamptz) is
'Takes in the next raw_readings messages ({"tenant", "readings"}), with the outcome they would have had over HTTP.
Readings and archiving commit together. Safe to run several times at once.';
