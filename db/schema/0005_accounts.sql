-- migrate:up
set local role segs_owner;

create table auth.user_account (
    user_id uuid primary key default gen_random_uuid(),
    tenant_id integer not null references grid.tenant,
    email text not null check (email = lower(email) and length(email) between 3 and 254),
    name text not null check (length(name) between 1 and 200),
    role text not null default 'consumer' check (role in ('consumer', 'operator', 'admin', 'platform_admin')),
    phone text check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    password_hash text,
    preferences jsonb not null default '{}' check (jsonb_typeof(preferences) = 'object'),
    created_at timestamptz not null default now(),
    verified_at timestamptz,
    disabled_at timestamptz,
    deleted_at timestamptz,
    unique (tenant_id, email),
    unique (tenant_id, user_id),
    constraint user_account_email_normal check (
        deleted_at is not null or coalesce(email = auth.normal_address(email), false)
    )
);
alter table auth.user_account enable row level security;
comment on table auth.user_account is 'A person who may sign in. The token''s sub claim is user_id.';
comment on column auth.user_account.email is
'Unique within the tenant, in its one form (auth.normal_address).';
comment on column auth.user_account.role is
'consumer, operator and admin act within their tenant; platform_admin (tenant "platform" only) makes tenants.';
comment on column auth.user_account.phone is 'E.164, as +4930123456.';
comment on column auth.user_account.password_hash is
'Argon2id, in its usual text form with salt and parameters; null until one is set.';
comment on column auth.user_account.verified_at is
'When the person proved that the mailbox is theirs; nobody signs in before.';
comment on column auth.user_account.disabled_at is 'From then on the account may do nothing; null while it is in use.';
comment on column auth.user_account.deleted_at is
'When the personal data was erased; the row stays, because meters keep their history of owners.';

create policy account_of_caller on auth.user_account for select to segs_api
using (
    tenant_id = (select auth.tenant_id())
    and ((select auth.sees_tenant()) or user_id = (select auth.user_id()))
);
-- Views show accounts, but never what signing in needs.
grant select (
    user_id, tenant_id, email, name, role, phone, created_at, verified_at, disabled_at, deleted_at, preferences
) on auth.user_account to segs_api;

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
alter table auth.session enable row level security;
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
alter table auth.refresh_token enable row level security;
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
alter table auth.one_time_code enable row level security;
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
    stamped text check (stamped in ('start', 'end')),
    created_by uuid not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    last_used_at timestamptz,
    foreign key (tenant_id, created_by) references auth.user_account (tenant_id, user_id)
);
create index device_token_tenant on auth.device_token (tenant_id, created_at);
alter table auth.device_token enable row level security;
comment on table auth.device_token is
'What a gateway or meter shows to send readings. Shown once when made; kept as its SHA-256.';
comment on column auth.device_token.meter_ids is 'The only meters it may send for; null means all of the tenant.';
comment on column auth.device_token.stamped is
'Whether the device stamps a reading with the start or the end of its interval; null: as the tenant says.';

create policy device_of_admin on auth.device_token for select to segs_api
using (tenant_id = (select auth.tenant_id()) and (select current_setting('role', true)) = 'admin');
grant select (
    device_id, tenant_id, name, meter_ids, stamped, created_by, created_at, revoked_at, last_used_at
) on auth.device_token to segs_api;

create table auth.policy (
    singleton boolean primary key default true check (singleton),
    require_session boolean not null default false
);
insert into auth.policy default values;
alter table auth.policy enable row level security;
comment on table auth.policy is 'One row: how strictly tokens are judged.';
comment on column auth.policy.require_session is
'Whether a person''s token must name a live session (sid). True in production, where no tokens are made by hand.';
reset role;

-- migrate:down
set local role segs_owner;
drop table auth.policy;
drop table auth.device_token;
drop table auth.one_time_code;
drop table auth.refresh_token;
drop table auth.session;
drop table auth.user_account;
reset role;
