create function event.cluster() returns text
language sql stable
return (select c.system_identifier::text from pg_catalog.pg_control_system() as c);
revoke all on function event.cluster() from public;
comment on function event.cluster() is
'The system identifier of this cluster: another than event.state''s after a restore.';
