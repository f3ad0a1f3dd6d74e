create view rollup.reading_raw as
select ts as bucket, meter_id, 1 as readings, energy, energy as energy_min, energy as energy_max
from grid.reading;

comment on view rollup.reading_raw is 'Readings in the shape of a rollup: what the finest one is summed from.';
