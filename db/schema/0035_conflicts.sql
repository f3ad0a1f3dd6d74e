-- migrate:up
set local role segs_owner;

-- Another value for a meter and time that is stored is kept, and a retry of what is kept costs nothing.
alter table ingest.quarantine
add column fingerprint uuid not null default gen_random_uuid(),
add constraint quarantine_once unique (tenant_id, fingerprint);
comment on column ingest.quarantine.fingerprint is
'Of meter, time and energy (ingest.fingerprint): the same reading is kept once, however often it comes.';
comment on table ingest.quarantine is
'Readings that were refused, kept for an operator to inspect and replay.';

-- To tell a retry from another value.
grant select (energy) on grid.reading to segs_ingest;
-- It keeps what it refuses by ingest.keep_refused alone.
revoke insert (tenant_id, source, code, message, reading) on ingest.quarantine from segs_ingest;
drop policy quarantine_for_ingest on ingest.quarantine;

create type ingest.judgement as (
    place bigint, tenant_id integer, reading jsonb, meter_id integer, ts timestamptz, energy bigint,
    voltage real, current real, code text, message text
);
comment on type ingest.judgement is
'A reading that came in: its place among the others, its row if it is good, or why it is refused.';
reset role;

-- migrate:down
set local role segs_owner;
drop type ingest.judgement;
create policy quarantine_for_ingest on ingest.quarantine to segs_ingest using (true) with check (true);
grant insert (tenant_id, source, code, message, reading) on ingest.quarantine to segs_ingest;
revoke select (energy) on grid.reading from segs_ingest;
comment on table ingest.quarantine is
'Readings of known shape that were refused, kept for an operator to inspect and replay.';
alter table ingest.quarantine
drop constraint quarantine_once,
drop column fingerprint;
reset role;
