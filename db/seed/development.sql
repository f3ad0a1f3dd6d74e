-- A small tenant to try things with: "demo", about a hundred households in five regions. Idempotent, and kind: what
-- someone has changed since stays changed.
insert into grid.tenant (code, name, time_zone, currency)
values ('demo', 'Demo Energy', 'Europe/Berlin', 'EUR')
on conflict (code) do nothing;

-- Twenty households a region use some 3 kWh at night and 10 kWh on a winter evening, in 15 minutes.
update tariff.plan as p
set name = 'Demo', high_load = 12000000
from grid.tenant as t
where t.code = 'demo' and p.tenant_id = t.tenant_id and p.region_id is null and p.name = 'Standard';

-- A household rarely draws more than 8 kW for a quarter of an hour.
update alert.rule as r
set threshold = 2000000
from grid.tenant as t
where
    t.code = 'demo' and r.tenant_id = t.tenant_id and r.kind = 'high'
    and r.meter_id is null and r.user_id is null and r.threshold = 100000000;

insert into auth.user_account (user_id, tenant_id, email, name, role, verified_at)
select u.user_id, t.tenant_id, u.email, u.name, u.role, now()
from grid.tenant as t
cross join (
    values
    ('00000000-0000-4000-8000-000000000001'::uuid, 'admin@demo.example', 'Ada Admin', 'admin'),
    ('00000000-0000-4000-8000-000000000002', 'operator@demo.example', 'Otto Operator', 'operator'),
    ('00000000-0000-4000-8000-000000000003', 'alice@demo.example', 'Alice Consumer', 'consumer'),
    ('00000000-0000-4000-8000-000000000004', 'bob@demo.example', 'Bob Consumer', 'consumer')
) as u (user_id, email, name, role)
where t.code = 'demo'
on conflict do nothing;

insert into auth.user_account (user_id, tenant_id, email, name, role, verified_at)
select
    '00000000-0000-4000-8000-000000000009'::uuid, t.tenant_id, 'platform@segs.example', 'Petra Platform',
    'platform_admin', now()
from grid.tenant as t
where t.code = 'platform'
on conflict do nothing;

-- SIM-00001 to SIM-00100, twenty a region. Installed before the record that the simulator replays begins.
select count(r.meter_id)
from grid.tenant as t
cross join
    lateral grid.register_meters(
        t.tenant_id,
        (
            select
                jsonb_agg(jsonb_build_object(
                    'meter_id', 'SIM-' || lpad(n::text, 5, '0'),
                    'region', (array['north', 'south', 'east', 'west', 'central'])[1 + (n - 1) % 5],
                    'installed_at', '2006-01-01T00:00:00Z'
                ))
            from generate_series(1, 100) as n
        )
    ) as r
where t.code = 'demo';

insert into grid.meter_ownership (meter_id, tenant_id, user_id, period)
select m.meter_id, m.tenant_id, u.user_id, tstzrange('2006-01-01T00:00:00Z', null)
from grid.tenant as t
cross join (values ('SIM-00001', 'alice@demo.example'), ('SIM-00002', 'bob@demo.example')) as own (code, email)
join grid.meter as m on m.tenant_id = t.tenant_id and m.code = own.code
join auth.user_account as u on u.tenant_id = t.tenant_id and u.email = own.email
where t.code = 'demo'
on conflict do nothing;
