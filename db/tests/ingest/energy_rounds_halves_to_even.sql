begin;
select plan(7);

select is(ingest.energy(1.5), 1500000::numeric, 'a kWh is a million mWh');
select is(ingest.energy(0.0000005), 0::numeric, 'half a mWh goes to the even neighbour below');
select is(ingest.energy(0.0000015), 2::numeric, 'or above');
select is(ingest.energy(-0.0000025), -2::numeric, 'negative halves likewise');
select is(ingest.energy(-0.0000035), -4::numeric, 'in both directions');
select is(ingest.energy(0.00000251), 3::numeric, 'what is no half goes to the nearest');
select is(ingest.energy(-10000), -10000000000::numeric, 'the largest there is');

select * from finish();
rollback;
