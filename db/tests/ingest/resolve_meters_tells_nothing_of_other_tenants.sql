begin;
select plan(4);

insert into grid.tenant (code, name) values ('alpha', 'Alpha'), ('beta', 'Beta');
select grid.register_meters(t.tenant_id, j.meters::jsonb)
from (
    values
    ('alpha', '[{"meter_id": "A-1", "region": "north"}, {"meter_id": "A-2", "region": "north"}]'),
    ('beta', '[{"meter_id": "B-1", "region": "north"}]')
) as j (code, meters)
join grid.tenant as t using (code);
update grid.meter set retired_at = now() + interval '1 hour' where code = 'A-2';

select results_eq(
    $$ select code, retired_at is null from ingest.resolve_meters('alpha', array['A-1', 'A-2', 'B-1', 'X'])
    order by code $$,
    $$ values ('A-1', true), ('A-2', false) $$,
    'foreign and unknown meters are absent alike; a retired one says since when'
);
select is_empty(
    $$ select * from ingest.resolve_meters('gamma', array['A-1']) $$, 'so is everything of an unknown tenant'
);
select is(ingest.tenant_id('gamma'), null, 'whose key is null');
select is(
    ingest.tenant_id('beta'), (select tenant_id from grid.tenant where code = 'beta'), 'a known one has its own'
);

select * from finish();
rollback;
