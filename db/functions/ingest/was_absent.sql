create function ingest.was_absent(tenant_id integer, since timestamptz, until timestamptz) returns boolean
language sql stable
as $$
    select exists (
        select from ingest.absences($1) as a where a.since < $3 and coalesce(a.until, 'infinity') > $2
    )
$$;
revoke all on function ingest.was_absent(integer, timestamptz, timestamptz) from public;
comment on function ingest.was_absent(integer, timestamptz, timestamptz) is
'Whether there was a moment between since and until at which no reading of a tenant could be received.';
