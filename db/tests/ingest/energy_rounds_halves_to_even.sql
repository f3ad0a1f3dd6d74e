begin;
select plan(7);

select is(ingest.energy(1.5), 1500000::bigint, 'a kWh is a million mWh');
select is(ingest.energy(0.0000005), 0::bigint, 'half a mWh goes to the even neighbour below');
select is(ingest.energy(0.0000015), 2::bigint, 'or above');
select is(ingest.energy(-0.0000025), -2::bigint, 'negative halves likewise');
select is(ingest.energy(-0.0000035), -4::bigint, 'in both directions');
select is(ingest.energy(0.00000251), 3::bigint, 'what is no half goes to the nearest');
select is(ingest.energy(-10000), -10000000000::bigint, 'the largest there is');

select * from finish();
rollback;
