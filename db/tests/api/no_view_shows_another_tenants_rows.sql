-- Every view, as the catalog lists them: full for the other tenant's administrator, and nothing of it for anybody here.
-- Whatever the other tenant has is marked with zz.
begin;
select * from no_plan();
select tap.make_tenant('acme');
select tap.make_tenant('other');
update grid.tenant set name = 'zz' where code = 'other';
update auth.user_account set name = 'zz ' || name, preferences = '{"zz": 1}' where tenant_id = tap.tenant('other');

-- The same on both sides.
select tap.read(t.code, m.code, now() - interval '1 hour', 1)
from (values ('acme'), ('other')) as t (code), (values ('M-1'), ('M-2')) as m (code);
select tap.close(t.code, 'north', grid.window_start(now() - interval '1 hour'), 1, r.revision)
from (values ('acme'), ('other')) as t (code), (values (1), (2)) as r (revision);
update grid.region_load set closed_at = now() - interval '1 minute';
select alert.raise(tap.tenant(t.code), tap.meter(t.code, 'M-1'), 'high', 'warning', now(), 9, 5)
from (values ('acme'), ('other')) as t (code);
insert into alert.rule (tenant_id, kind, meter_id, threshold)
select tap.tenant(t.code), 'high', tap.meter(t.code, 'M-1'), 1 from (values ('acme'), ('other')) as t (code);
insert into ingest.quarantine (tenant_id, source, code, message, reading)
select tap.tenant(t.code), 'http', 'unknown_meter', 'no such meter', t.reading::jsonb
from (values ('acme', '{}'), ('other', '{"zz": 1}')) as t (code, reading);
select tap.sign_in('other', 'admin');
select d.name from api.create_device_token('zz') as d;
select api.create_tariff_plan('zz', 1, 'north');
select tap.sign_out();
update grid.region set code = 'zz-' || code, name = 'zz' where tenant_id = tap.tenant('other');
update grid.meter set code = 'ZZ-' || code where tenant_id = tap.tenant('other');

create function pg_temp.marked(name text) returns bigint
language plpgsql
as $$
declare
    rows bigint;
begin
    execute format('select count(*) from api.%I as v where to_jsonb(v)::text ~* ''zz|@other''', name) into rows;
    return rows;
end;
$$;
create function pg_temp.sweep(tenant_code text, who text) returns setof text
language plpgsql
as $$
declare
    name text;
begin
    perform tap.sign_in(tenant_code, who);
    for name in
        select c.relname from pg_class as c
        where c.relnamespace = 'api'::regnamespace and c.relkind = 'v' and has_table_privilege(c.oid, 'select')
        order by c.relname
    loop
        -- Events are shown once their transaction is over; db/tests/event and the REST tests look at them.
        if tenant_code = 'acme' then
            return next is(pg_temp.marked(name), 0::bigint, format('%s of acme sees nothing of the other in %s', who, name));
        elsif name <> 'events' then
            return next cmp_ok(pg_temp.marked(name), '>', 0::bigint, format('there is something to see in %s', name));
        end if;
    end loop;
end;
$$;
select pg_temp.sweep('other', 'admin');
select pg_temp.sweep('acme', who) from unnest(array['alice', 'bob', 'operator', 'admin']) as who;

-- A token of one tenant that names a user of the other sees neither.
select tap.sign_out();
select set_config('request.jwt.claims', (tap.claims('other', 'alice', 'consumer') || '{"tenant": "acme"}')::text, true);
set local role consumer;
select is(pg_temp.marked(name), 0::bigint, 'nor does a token of both: ' || name)
from unnest(array[
        'meters', 'readings_daily', 'readings_monthly', 'alerts', 'open_alerts', 'alert_thresholds', 'preferences',
        'tenant_settings'
    ]) as name;
select * from finish();
rollback;
