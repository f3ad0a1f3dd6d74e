begin;
select plan(7);

delete from grid.reading;
update rollup.definition set threshold = '-infinity', materialised_until = '-infinity';
insert into grid.tenant (code, name) values ('alpha', 'Alpha');
select grid.register_meters(
    (select tenant_id from grid.tenant where code = 'alpha'), '[{"meter_id": "A-1", "region": "north"}]'
);
create temporary table meter as
select m.meter_id from grid.meter as m join grid.tenant as t using (tenant_id) where t.code = 'alpha';

select is(rollup.closed_until('1m', '2026-03-02 12:00:00Z'), null, 'nothing is closed without readings');
select is(rollup.advance('2026-03-02 12:00:00Z'), false, 'and no threshold moves');
insert into grid.reading (ts, meter_id, energy)
select t.ts, meter_id, 1 from meter cross join (
    values
    ('2026-03-02 10:00:30Z'::timestamptz), ('2026-03-02 11:10:30Z'), ('2026-03-02 13:00:00Z')
) as t (ts);
select is(
    rollup.closed_until('1m', '2026-03-02 12:00:00Z'), '2026-03-02 11:10:00Z',
    'during a back-fill, closed is what the newest reading has passed'
);
select is(
    rollup.closed_until('1m', '2026-03-02 13:05:30Z'), '2026-03-02 13:00:00Z', 'still, when the clock is ahead of it'
);
select is(
    rollup.closed_until('1m', '2026-03-02 13:01:30Z'), '2026-03-02 12:59:00Z', 'and otherwise what the lag leaves'
);
select is(
    rollup.closed_until('1h', '2026-03-02 13:01:30Z'), '2026-03-02 12:00:00Z', 'coarser rollups close later'
);
select rollup.advance('2026-03-02 12:00:00Z');
select rollup.advance('2026-03-02 11:00:00Z');
select is(
    (select threshold from rollup.definition where name = '1m'), '2026-03-02 11:10:00Z', 'a threshold never moves back'
);

select * from finish();
rollback;
