-- Security definer: the ingest worker may not read device tokens. Volatile: it notes the use, once in 15 minutes.
create function ingest.device(token_hash bytea, at timestamptz default now())
returns table (device_id uuid, tenant text, meter_codes text[], stamped text)
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    with used as (
        update auth.device_token as d
        set last_used_at = $2
        where
            d.token_hash = $1 and d.revoked_at is null
            and (d.last_used_at is null or d.last_used_at < $2 - interval '15 minutes')
    )

    select
        d.device_id,
        t.code,
        case when d.meter_ids is not null then array(
            select m.code from grid.meter as m where m.meter_id = any (d.meter_ids)
        ) end,
        d.stamped
    from auth.device_token as d
    join grid.tenant as t on t.tenant_id = d.tenant_id
    where d.token_hash = $1 and d.revoked_at is null
$$;
revoke all on function ingest.device(bytea, timestamptz) from public;
grant execute on function ingest.device(bytea, timestamptz) to segs_ingest;
comment on function ingest.device(bytea, timestamptz) is
'The device of a token, by its SHA-256, the only meters it may send for (null: all of its tenant), and how it stamps '
'readings (null: as the tenant says). No row: no such token, or revoked.';
