begin;
select plan(22);
select tap.make_tenant('acme');
select tap.make_tenant('other');
create temp table made (tenant text, name text, device_id uuid, token text);
grant select, insert on made to public;

select tap.sign_in('acme', 'admin');
insert into made select 'acme', d.name, d.device_id, d.token from api.create_device_token('Gateway 1') as d;
insert into made
select 'acme', d.name, d.device_id, d.token from api.create_device_token('Meter', array['M-2', 'M-1', 'M-1']) as d;
select tap.sign_in('other', 'admin');
insert into made select 'other', d.name, d.device_id, d.token from api.create_device_token('Gateway 1') as d;

select ok((select bool_and(token ~ '^segsd_[A-Za-z0-9_-]{43}$') from made), 'a token is opaque');
select is((select count(distinct token) from made), 3::bigint, 'and never the same');
select is(current_setting('response.headers'), '[{"Cache-Control": "no-store"}]', 'the answer is not to be stored');
select tap.sign_in('acme', 'admin');
select results_eq(
    $$ select name, meters, created_by, revoked_at, last_used_at from api.devices order by name $$,
    $$ values ('Gateway 1', null::text[], 'admin', null::timestamptz, null::timestamptz),
        ('Meter', '{M-1,M-2}', 'admin', null, null) $$,
    'an admin sees the tenant''s devices'
);
select throws_ok(
    $$ select api.create_device_token('x', '{M-1,M-9}') $$, 'PT404', 'There is no meter M-9', 'an unknown meter'
);
select throws_ok($$ select api.create_device_token('') $$, 'PT422', null, 'no name');
select throws_ok($$ select api.create_device_token('x', '{}') $$, 'PT422', null, 'no meter at all');
select throws_ok($$ select api.create_device_token('x', '{null}') $$, 'PT404', null, 'or none');
select throws_ok(
    $$ select api.revoke_device_token((select device_id from made where tenant = 'other')) $$, 'PT404', null,
    'another tenant''s device is not there'
);
select tap.sign_in('acme', 'operator');
select throws_ok($$ select from api.devices $$, '42501', null, 'an operator sees no devices');

select tap.sign_out();
select is(
    (select count(*) from auth.device_token as d join made as m on position(m.token in d::text) > 0), 0::bigint,
    'what is kept is not the token'
);
set local role segs_ingest;
select throws_ok($$ select from auth.device_token $$, '42501', null, 'ingest reads no tokens');
create function pg_temp.device(token text, at timestamptz default now()) returns setof record
language sql
as $$
    select d.tenant, d.meter_codes from ingest.device(sha256(token::bytea), at) as d
$$;
select results_eq(
    $$ select d.tenant, (select array_agg(c order by c) from unnest(d.meter_codes) as c)
    from made as m cross join lateral ingest.device(sha256(m.token::bytea)) as d order by m.tenant, m.name $$,
    $$ values ('acme', null::text[]), ('acme', '{M-1,M-2}'), ('other', null) $$,
    'it asks for one by hash: whose it is, and the only meters it may send for'
);
select is((select count(*) from ingest.device(sha256('segsd_x'))), 0::bigint, 'and learns nothing of others');
reset role;
select is((select last_used_at from auth.device_token where name = 'Meter'), now(), 'the use is noted');
select is(
    (select count(*) from made as m cross join lateral ingest.device(
        sha256(m.token::bytea), now() + interval '14 minutes'
    )), 3::bigint, 'a use soon after'
);
select is((select last_used_at from auth.device_token where name = 'Meter'), now(), 'is not noted again');
select is(
    (select count(*) from made as m cross join lateral ingest.device(
        sha256(m.token::bytea), now() + interval '16 minutes'
    )), 3::bigint, 'a later one'
);
select is((select last_used_at from auth.device_token where name = 'Meter'), now() + interval '16 minutes', 'is');

select tap.sign_in('acme', 'admin');
select isnt(
    (api.revoke_device_token((select device_id from made where name = 'Meter'))).revoked_at, null, 'an admin revokes'
);
select lives_ok(
    $$ select api.revoke_device_token((select device_id from made where name = 'Meter')) $$, 'twice does no harm'
);
select tap.sign_out();
select is(
    (select count(*) from made as m cross join lateral ingest.device(sha256(m.token::bytea))), 2::bigint,
    'a revoked token is none'
);
select * from finish();
rollback;
