create function rollup.stored_relation(name text) returns text
language sql stable
return coalesce(
    (
        select format('%I.%I', a.materialization_hypertable_schema, a.materialization_hypertable_name)
        from timescaledb_information.continuous_aggregates as a
        where a.view_schema = 'rollup' and a.view_name = 'aggregate_' || stored_relation.name
    ),
    format('rollup.%I', 'store_' || name)
);

comment on function rollup.stored_relation(text) is 'The table that holds what is materialised of a rollup.';
