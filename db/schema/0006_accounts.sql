-- migrate:up
create schema notify authorization segs_owner;
comment on schema notify is 'What people are told by mail: the queue notifications, its delivery and its dead letters.';

grant usage on schema auth to segs_auth, platform_admin;
grant usage on schema api to platform_admin;
grant usage on schema notify to segs_notifier;

set local role segs_owner;

alter table auth.user_account
add column phone text check (phone ~ '^\+[1-9][0-9]{6,14}$'),
add column password_hash text,
add column verified_at timestamptz,
add column deleted_at timestamptz,
add column preferences jsonb not null default '{}' check (jsonb_typeof(preferences) = 'object'),
drop constraint user_account_role_check,
add constraint user_account_role_check check (role in ('consumer', 'operator', 'admin', 'platform_admin'));
comment on column auth.user_account.phone is 'E.164, as +4930123456.';
comment on column auth.user_account.password_hash is
'Argon2id, in its usual text form with salt and parameters; null until one is set.';
comment on column auth.user_account.verified_at is
'When the person proved that the mailbox is theirs; nobody signs in before.';
comment on column auth.user_account.disabled_at is 'From then on the account may do nothing; null while it is in use.';
comment on column auth.user_account.deleted_at is
'When the personal data was erased; the row stays, because meters keep their history of owners.';
comment on column auth.user_account.role is
'consumer, operator and admin act within their tenant; platform_admin (tenant "platform" only) makes tenants.';

create table auth.session (
    session_id uuid primary key default gen_random_uuid(),
    tenant_id integer not null,
    user_id uuid not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null check (expires_at > created_at),
    last_used_at timestamptz not null default now(),
    revoked_at timestamptz,
    user_agent text check (length(user_agent) <= 400),
    address inet,
    foreign key (tenant_id, user_id) references auth.user_account (tenant_id, user_id)
);
create index session_of_user on auth.session (tenant_id, user_id) where revoked_at is null;
create index session_expiry on auth.session (expires_at);
comment on table auth.session is
'One sign-in: the family of its refresh tokens. Access tokens name it (sid) and end with it.';
comment on column auth.session.expires_at is 'Absolute: refreshing does not move it.';
comment on column auth.session.last_used_at is 'Last time it was refreshed.';

create table auth.refresh_token (
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    session_id uuid not null references auth.session on delete cascade,
    issued_at timestamptz not null default now(),
    used_at timestamptz
);
create index refresh_token_session on auth.refresh_token (session_id);
comment on table auth.refresh_token is
'SHA-256 of every refresh token of a session. Each is good for one use; a second use ends the session.';

create table auth.one_time_code (
    user_id uuid not null references auth.user_account,
    purpose text not null check (purpose in ('verify', 'reset')),
    code_hash bytea not null check (octet_length(code_hash) = 32),
    attempts integer not null default 0 check (attempts between 0 and 5),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null check (expires_at > created_at),
    used_at timestamptz,
    primary key (user_id, purpose)
);
comment on table auth.one_time_code is
'The newest code a person was sent for a purpose. Good once, for ten minutes and five attempts; a new one replaces it.';
comment on column auth.one_time_code.code_hash is
'HMAC-SHA-256 under a key that only the auth worker has: the hash of six digits alone could be tried out.';

create table auth.device_token (
    device_id uuid primary key default gen_random_uuid(),
    tenant_id integer not null references grid.tenant,
    name text not null check (length(name) between 1 and 200),
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    meter_ids integer[],
    created_by uuid not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    last_used_at timestamptz,
    foreign key (tenant_id, created_by) references auth.user_account (tenant_id, user_id)
);
create index device_token_tenant on auth.device_token (tenant_id, created_at);
comment on table auth.device_token is
'What a gateway or meter shows to send readings. Shown once when made; kept as its SHA-256.';
comment on column auth.device_token.meter_ids is 'The only meters it may send for; null means all of the tenant.';

create table auth.policy (
    singleton boolean primary key default true check (singleton),
    require_session boolean not null default false
);
insert into auth.policy default values;
comment on table auth.policy is 'One row: how strictly tokens are judged.';
comment on column auth.policy.require_session is
'Whether a person''s token must name a live session (sid). True in production, where no tokens are made by hand.';

alter table auth.session enable row level security;
alter table auth.refresh_token enable row level security;
alter table auth.one_time_code enable row level security;
alter table auth.device_token enable row level security;
alter table auth.policy enable row level security;

-- Policies on tables ask these, so anyone who reads through the API calls them.
grant execute on function
auth.claims(), auth.tenant_id(), auth.user_id(), auth.sees_tenant()
to platform_admin;

-- The platform's own tenant has people and no grid: no regions, plan or rules (made by a trigger on upgraded servers).
alter table grid.tenant disable trigger user;
insert into grid.tenant (code, name) values ('platform', 'SEGS platform');
alter table grid.tenant enable trigger user;
reset role;

-- migrate:down
set local role segs_owner;
revoke execute on function
auth.claims(), auth.tenant_id(), auth.user_id(), auth.sees_tenant()
from platform_admin;
drop table auth.policy;
drop table auth.device_token;
drop table auth.one_time_code;
drop table auth.refresh_token;
drop table auth.session;
-- Nothing but accounts belongs to the platform's tenant.
delete from auth.user_account
where tenant_id = (select tenant_id from grid.tenant where code = 'platform') or role = 'platform_admin';
delete from grid.tenant where code = 'platform';
comment on column auth.user_account.disabled_at is null;
comment on column auth.user_account.role is null;
alter table auth.user_account
drop constraint user_account_role_check,
add constraint user_account_role_check check (role in ('consumer', 'operator', 'admin')),
drop column preferences,
drop column deleted_at,
drop column verified_at,
drop column password_hash,
drop column phone;
reset role;
revoke usage on schema api from platform_admin;
revoke usage on schema auth from segs_auth, platform_admin;
drop schema notify;
