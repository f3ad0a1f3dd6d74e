-- migrate:up
set local role segs_owner;

alter table grid.tenant
add column reading_interval interval not null default '1 minute'
check (reading_interval between interval '1 second' and interval '1 day');
comment on column grid.tenant.reading_interval is
'How often a meter is expected to send: what readings received are held against.';

-- Replayed quarantine is logged as what it is.
alter table ingest.batch
drop constraint batch_source_check,
add constraint batch_source_check check (source in ('http', 'queue', 'replay'));

-- A rule with a meter and a user is what an owner wants of one meter; it holds while they own it.
alter table alert.rule drop constraint rule_check1;
comment on table alert.rule is
'What raises an alert. An owner''s rule for one meter beats the meter''s, which beats the owner''s, which beats the '
'tenant''s.';

-- Everybody may know the tenant's own rules; those of a meter's former owner are theirs alone.
drop policy rule_of_caller on alert.rule;
create policy rule_of_caller on alert.rule for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and (
        (select auth.sees_tenant())
        or user_id = (select auth.user_id())
        or (user_id is null and meter_id is null)
        or (user_id is null and meter_id = any((select auth.own_meter_ids())::integer[]))
    )
);

-- Platform administrators list tenants; what is in them stays out of their reach.
create policy tenant_of_platform on grid.tenant for select to segs_api
using (
    (select current_setting('role', true)) = 'platform_admin'
    and (select auth.claims()) ->> 'tenant' = 'platform'
);

create policy device_of_admin on auth.device_token for select to segs_api
using (tenant_id = (select auth.tenant_id()) and (select current_setting('role', true)) = 'admin');
grant select (
    device_id, tenant_id, name, meter_ids, created_by, created_at, revoked_at, last_used_at
) on auth.device_token to segs_api;

-- Views show accounts, but never what signing in needs.
revoke select on auth.user_account from segs_api;
grant select (
    user_id, tenant_id, email, name, role, phone, created_at, verified_at, disabled_at, deleted_at, preferences
) on auth.user_account to segs_api;
reset role;

-- migrate:down
set local role segs_owner;
revoke select (
    user_id, tenant_id, email, name, role, phone, created_at, verified_at, disabled_at, deleted_at, preferences
) on auth.user_account from segs_api;
grant select on auth.user_account to segs_api;
revoke select (
    device_id, tenant_id, name, meter_ids, created_by, created_at, revoked_at, last_used_at
) on auth.device_token from segs_api;
drop policy device_of_admin on auth.device_token;
drop policy tenant_of_platform on grid.tenant;
drop policy rule_of_caller on alert.rule;
create policy rule_of_caller on alert.rule for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and (
        (select auth.sees_tenant())
        or user_id = (select auth.user_id())
        or meter_id = any((select auth.own_meter_ids())::integer[])
    )
);
comment on table alert.rule is
'What raises an alert. The rule of a meter beats its owner''s, which beats the tenant''s.';
delete from alert.rule where meter_id is not null and user_id is not null;
alter table alert.rule add constraint rule_check1 check (num_nonnulls(meter_id, user_id) <= 1);
delete from ingest.batch where source = 'replay';
alter table ingest.batch
drop constraint batch_source_check,
add constraint batch_source_check check (source in ('http', 'queue'));
alter table grid.tenant drop column reading_interval;
reset role;
