-- Security definer: segs_api, which calls it for an operator's own tenant, may read meters but not write them.
create function grid.change_meter(
    tenant_id integer, meter_id integer, region_id integer, kind text, retired boolean, since timestamptz,
    at timestamptz default now()
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before grid.meter;
    changed_at timestamptz;
    closed timestamptz;
    max_age constant interval := (select l.max_age from ingest.limits as l);
begin
    if $6 < $7 - max_age then
        raise sqlstate 'PT422' using
            message = format('since is more than %s ago', ingest.words(max_age)),
            hint = 'What is older than readings may be late is settled: send a later since.';
    end if;
    -- Windows are closed and restated under this lock: none is summed by facts that change meanwhile.
    perform pg_advisory_xact_lock('grid.window_progress'::regclass::oid::bigint);
    select m.* into before
    from grid.meter as m where m.tenant_id = $1 and m.meter_id = $2 for no key update;
    if coalesce($3, before.region_id) = before.region_id and coalesce($4, before.kind) = before.kind
       and coalesce($5, before.retired_at is not null) = (before.retired_at is not null) then
        return; -- asked twice: done is done
    end if;

    select max(upper(p.period)) into changed_at from grid.meter_past as p where p.meter_id = $2;
    select p.closed_until into closed from grid.window_progress as p where p.tenant_id = $1;
    if $6 <= greatest(changed_at, before.installed_at) then
        raise sqlstate 'PT409' using
            message = 'The meter was installed or changed later than that',
            detail = format('What holds now does since %s.', greatest(changed_at, before.installed_at)),
            hint = 'Send a later since.';
    elsif coalesce($3 <> before.region_id and $6 < closed, false) then
        raise sqlstate 'PT409' using
            message = 'Windows of that time are closed: loads and prices stand on where the meter was',
            detail = format('Windows are closed until %s.', closed),
            hint = 'Move the meter from then on, or leave since out for now.';
    end if;

    insert into grid.meter_past (meter_id, tenant_id, period, region_id, kind, retired)
    values (
        $2, $1, tstzrange(coalesce(changed_at, '-infinity'), $6, '[)'), before.region_id, before.kind,
        before.retired_at is not null
    );
    update grid.meter as m
    set
        region_id = coalesce($3, m.region_id),
        kind = coalesce($4, m.kind),
        retired_at = case when $5 is null then m.retired_at when $5 then coalesce(m.retired_at, $6) end
    where m.meter_id = $2;
    perform alert.withdraw_unfounded($1, $2, $6, $7);
end;
$$;
revoke all on function grid.change_meter(
    integer, integer, integer, text, boolean, timestamptz, timestamptz
) from public;
grant execute on function grid.change_meter(
    integer, integer, integer, text, boolean, timestamptz, timestamptz
) to segs_api;
comment on function grid.change_meter(integer, integer, integer, text, boolean, timestamptz, timestamptz) is
'Changes a meter since a time; null leaves as it is. What was true before is kept, and what alerts told of later '
'windows that is no fault of such a meter is taken back. PT409: it changed later than that, or another region for '
'closed windows; PT422: older than a late reading may be.';
