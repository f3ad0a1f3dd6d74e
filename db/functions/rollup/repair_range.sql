create procedure rollup.repair_range(name text, since timestamptz, until timestamptz, even_if_fewer boolean)
language plpgsql
as $$
declare
    key constant bigint := 'rollup.late'::regclass::oid::bigint;
begin
    if rollup.is_gone(name, since, until) and not even_if_fewer then
        raise warning 'rollup % is left as it is from % to %: it has readings that its source has not', name, since, until;
    elsif rollup.driver() = 'continuous_aggregate' then
        -- Waits for a refresh; no transaction may be open while it waits, nor while it refreshes.
        commit;
        perform pg_advisory_lock(key);
        commit;
        call public.refresh_continuous_aggregate('rollup.aggregate_' || name, since, until, force => true);
        perform pg_advisory_unlock(key);
    else
        perform pg_advisory_xact_lock('rollup.definition'::regclass::oid::bigint);
        perform rollup.store_buckets(name, since, until);
        perform rollup.drop_empty_buckets(name, since, until);
    end if;
    commit;
end;
$$;

comment on procedure rollup.repair_range (text, timestamptz, timestamptz, boolean) is
'Sums the buckets of a rollup from since to before until again.';
