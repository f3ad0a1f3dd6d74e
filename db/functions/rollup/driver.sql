create function rollup.driver() returns text
language sql stable
return case when to_regclass('rollup.store_1m') is null then 'continuous_aggregate' else 'incremental' end;

grant execute on function rollup.driver() to segs_api;
comment on function rollup.driver() is
'How this database keeps its rollups: continuous_aggregate (TSL edition) or incremental (Apache edition).';
