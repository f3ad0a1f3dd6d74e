create function rollup.end_refresh() returns void
language sql
begin atomic
    select pg_advisory_unlock('rollup.late'::regclass::oid::bigint);
end;

comment on function rollup.end_refresh() is 'Continuous aggregates: lets others refresh them.';
