-- Security definer: the ingest worker keeps what it refuses, and may not look at or change what is kept.
create function ingest.keep_refused(
    source text, tenant_ids integer[], codes text[], messages text[], readings jsonb[], stamped text[],
    at timestamptz default now()
) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    with refused as materialized (
        select distinct on (r.tenant_id, f.fingerprint)
            r.tenant_id, r.code, r.message, r.reading, s.stamped, f.fingerprint
        from unnest($2, $3, $4, $5, $6) as r (tenant_id, code, message, reading, stamped)
        join grid.tenant as t on t.tenant_id = r.tenant_id
        cross join lateral (select coalesce(r.stamped, t.stamped) as stamped) as s
        cross join lateral ingest.fingerprint(r.reading, s.stamped) as f (fingerprint)
        order by r.tenant_id, f.fingerprint
    )

    insert into ingest.quarantine as q (
        tenant_id, received_at, source, code, message, reading, stamped, fingerprint
    )
    select r.tenant_id, $7, $1, r.code, r.message, r.reading, r.stamped, r.fingerprint
    from refused as r
    where not exists (
        select from ingest.quarantine as o
        where o.tenant_id = r.tenant_id and o.fingerprint = r.fingerprint
          and (o.code = r.code or o.replayed_at is not null)
    )
    order by r.tenant_id, r.fingerprint
    on conflict (tenant_id, fingerprint) do update
    set code = excluded.code, message = excluded.message
    where q.replayed_at is null
$$;
revoke all on function ingest.keep_refused(text, integer[], text[], text[], jsonb[], text[], timestamptz) from public;
grant execute on function ingest.keep_refused(
    text, integer[], text[], text[], jsonb[], text[], timestamptz
) to segs_ingest;
comment on function ingest.keep_refused(text, integer[], text[], text[], jsonb[], text[], timestamptz) is
'Keeps refused readings in quarantine, each once however often it comes; refused for another reason than before, the '
'newer reason stands.';
