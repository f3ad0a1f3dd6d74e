begin;
select no_plan();
select tap.make_tenant('acme');
update auth.user_account set verified_at = now();

-- Every function that PostgreSQL finds for a name behind a view's (or a call's) own, of all there are in this server.
create function pg_temp.reachable() returns setof name
language plpgsql
as $$
declare
    candidate name;
begin
    for candidate in
        select distinct p.proname from pg_proc as p
        where p.pronamespace in ('pg_catalog'::regnamespace, 'api'::regnamespace)
    loop
        begin
            execute format('prepare judged as select v.%I from api.regions as v', candidate);
            deallocate judged;
            return next candidate;
        exception
            when undefined_column or undefined_function then null;
            when others then return next candidate;
        end;
    end loop;
end;
$$;
set local search_path = api;
create temporary table reachable on commit drop as select r.name from pg_temp.reachable() as r (name);
set local search_path = public, tap;
delete from reachable as r using pg_attribute as a
where a.attrelid = 'api.regions'::regclass and a.attname = r.name;

select cmp_ok((select count(*) from reachable), '>', 20::bigint, 'such functions are found');
select is_empty(
    $$ select r.name from reachable as r where auth.query_fault('?select=' || r.name) is null $$,
    'each is refused as a column'
);
select is_empty(
    $$ select v.relname, a.attname from pg_class as v join pg_attribute as a on a.attrelid = v.oid
       where v.relnamespace = 'api'::regnamespace and v.relkind = 'v' and a.attnum > 0
       and auth.query_fault('?select=' || a.attname || '&order=' || a.attname || '&' || a.attname || '=eq.1') is not null $$,
    'and every column of every view is served'
);

-- Wherever a name may stand, however it is written.
select isnt(auth.query_fault(replace(form, 'NAME', 'json_agg')), null, form)
from unnest(array[
        '?select=NAME',
        '?select=*,NAME',
        '?select=a:NAME',
        '?select=a%3ANAME',
        '?select=region%2cNAME',
        '?select=+NAME',
        '?select=%20NAME',
        '?select=%09NAME',
        '?select="NAME"',
        '?select=%22NAME%22',
        '?select=NAME->0',
        '?select=NAME::text',
        '?select=x,NAME&limit=1',
        '?a=b;select=NAME',
        '?NAME=eq.1',
        '?limit=1&NAME=eq.1',
        '?limit=1;NAME=eq.1',
        '?+NAME=eq.1',
        '?order=NAME', '?order=region.desc,NAME', '?order=NAME.desc.nullsfirst', '?or=(NAME.eq.1,region.eq.x)',
        '?or=(region.eq.x,NAME.eq.1)', '?and=(region.eq.x,or(region.eq.y,NAME.eq.1))', '?not.and=(%20NAME.eq.1)',
        '?or=%28NAME.eq.1%2Cregion.eq.x%29', '?or=(region.in.(a,b),NAME.eq.1)', '?or=(region.eq."a,b",NAME.eq.1)',
        '?columns=NAME',
        '?NAME->>x=eq.1',
        '?select=NAME',
        '?select=json%5Fagg',
        '?select=%6Ason_agg',
        '?%73elect=region'
    ]) as form;

select isnt(auth.query_fault(query), null, query)
from unnest(array[
        '?region=match.a',
        '?region=imatch.a',
        '?region=not.match.a',
        '?region=match(any).{a}',
        '?region=imatch(all).{a}',
        '?region=match%28any%29.{a}',
        '?or=(region.match.a,region.eq.b)',
        '?or=(region.not.imatch.a)',
        '?payload->>x=match.a',
        '?name=fts.a', '?name=plfts.a', '?name=phfts.a', '?name=wfts.a', '?name=wfts(english).a', '?name=not.fts.a',
        '?name=like.*a*a*a*a*a*a*a*a*a*a*', '?name=ilike.%25a%25a%25a%25a%25a%25a%25a%25a%25a%25a%25',
        '?name=like(any).{*a*,*b*,*c*,*d*,*e*,*f*}', '?or=(name.like.' || repeat('*a', 11) || ')',
        '?select=region::regrole', '?select=region::regclass', '?select=region%3A%3Aregproc', '?select=region:%3Axml',
        '?select=region::name',
        '?select=a:region::regrole',
        '?select=region::text,name::regtype',
        '?select=payload->a::regrole',
        '?select=meters(*)',
        '?select=*,meters(meter_id)',
        '?select=...meters(*)',
        '?select=region.count()',
        '?select=count()',
        '?select=a%28b%29', '?order=meters(region)', '?meters.select=a(b)'
    ]) as query;

select is(auth.query_fault(query), null, query)
from unnest(array[
        '?', '?select=*', '?select=%2A', '?select=region,name', '?select=r:region', '?select=region::text,name',
        '?select=energy_kwh::numeric', '?select=payload->count', '?select=payload-%3E%3Ecount', '?region=eq.count',
        '?name=ilike.*mode*', '?region=in.(north,south)', '?region=not.in.(%22a,b%22,c)', '?limit=10&offset=20',
        '?or=(region.eq.north,name.ilike.*o*)',
        '?and=(region.eq.a,or(name.eq.b,name.not.is.null))',
        '?regions=cs.{north}',
        '?order=bucket.desc.nullslast,meter_id', '?meter_id=eq.1-0:1.8.0*255', '?meter_id=eq.Z%C3%A4hler%201',
        '?bucket=gte.2026-01-01T00:00:00%2B01:00', '?meter_id=like.SIM-*', '?cursor=abc', '?columns=meters',
        '?name=eq.matches.are.fine', '?email=eq.count@demo.example'
    ]) as query;

-- The check: preferences, and who has not come through the edge.
select set_config('request.path', '/meters', true), set_config('request.method', 'GET', true);
select set_config('request.jwt.claims', tap.claims('acme', 'operator', 'operator')::text, true);
create function pg_temp.check_with(headers jsonb) returns void
language plpgsql
as $$
begin
    perform set_config('request.headers', headers::text, true);
    perform auth.check_request();
end;
$$;
select
    throws_ok(
        format('select pg_temp.check_with(%L)', jsonb_build_object('prefer', prefer, 'x-segs-query', '?')),
        'PT400',
        null,
        prefer
    )
from unnest(array[
        'count=planned',
        'count=estimated',
        'return=minimal, count=planned',
        'COUNT=Planned',
        'count="estimated"',
        'count = planned'
    ]) as prefer;
select
    lives_ok(
        format('select pg_temp.check_with(%L)', jsonb_build_object('prefer', prefer, 'x-segs-query', '?')), prefer
    )
from unnest(array['count=exact', 'return=representation', 'timezone=Europe/Berlin']) as prefer;
select throws_ok(
    $$ select pg_temp.check_with('{"x-segs-query": "?select=json_agg"}') $$,
    'PT400',
    'json_agg is no column',
    'by the header'
);
select lives_ok($$ select pg_temp.check_with('{}') $$, 'without the edge, in development');
select
    set_config(
        'request.jwt.claims',
        (tap.claims('acme', 'operator', 'operator') || jsonb_build_object('sid', s.session_id))::text, true
    )
from auth.open_session(tap.account('acme', 'operator'), null, sha256('t'), '1 day', null, null) as s;
update auth.policy set require_session = true;
select throws_ok(
    $$ select pg_temp.check_with('{}') $$, 'PT403', 'This is reached through the edge alone', 'and not in production'
);
select lives_ok($$ select pg_temp.check_with('{"x-segs-query": "?"}') $$, 'where it is served through the edge');

select * from finish();
rollback;
