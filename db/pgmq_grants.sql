-- pgmq (its SQL from the PyPI package, or the extension where a server offers it) belongs to the administrator;
-- segs_owner makes and uses queues through it. Nobody else gets anything.
revoke execute on all functions in schema pgmq from public;
grant usage, create on schema pgmq to segs_owner;
grant all on all tables in schema pgmq to segs_owner;
grant all on all sequences in schema pgmq to segs_owner;
grant execute on all functions in schema pgmq to segs_owner;
