-- Security definer: the caller replays readings of their own tenant and writes nothing else.
create function api.replay_quarantined(ids bigint[])
returns table (quarantine_id bigint, outcome text, code text, message text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(cardinality($1), 0) not between 1 and 1000 then
        raise sqlstate 'PT422' using
            message = 'ids is not a list of 1 to 1000 numbers',
            hint = 'Send {"ids": [1, 2]} with numbers of GET /quarantined_readings.';
    end if;
    return query
    select r.quarantine_id, r.outcome, r.code, r.message from ingest.replay(auth.tenant_id(), $1) as r;
end;
$$;
revoke all on function api.replay_quarantined(bigint[]) from public;
grant execute on function api.replay_quarantined(bigint[]) to operator, admin;
comment on function api.replay_quarantined(bigint[]) is
$$Take refused readings in after all

Takes {"ids": [...]}, 1 to 1000 numbers of quarantined_readings, and judges each as if it came now; say after its meter was
registered. Answers an outcome for each: accepted, duplicate, refused (with code and message; it stays in quarantine),
replayed_before or not_found.$$;
