-- What PostgreSQL lets everybody do in a database, and nobody needs here: temporary tables and large objects that fill
-- a disk, and locks by number, with which one login could stop the jobs of another. The functions of segs_owner lock.
-- On a server whose administrator is no superuser some of it stays (docs/explanation/security.md); the deploy says so.
do $$
begin
    if has_database_privilege('public', current_database(), 'temporary') then
        execute format('revoke temporary on database %I from public', current_database());
    end if;
exception when insufficient_privilege or internal_error then
    -- the latter in PGlite, which cannot change its one database's rights
    raise notice 'temporary tables are not revoked: %', sqlerrm;
end;
$$;

do $$
declare
    something regprocedure;
begin
    for something in
        select p.oid::regprocedure from pg_proc as p
        where p.pronamespace = 'pg_catalog'::regnamespace
            and p.proname ~ '^(pg_(try_)?advisory_|lo_|loread$|lowrite$)'
            and has_function_privilege('public', p.oid, 'execute')
    loop
        execute format('revoke execute on function %s from public', something);
    end loop;
    for something in
        select p.oid::regprocedure from pg_proc as p
        where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^pg_(try_)?advisory_'
            and not has_function_privilege('segs_owner', p.oid, 'execute')
    loop
        execute format('grant execute on function %s to segs_owner', something);
    end loop;
exception when insufficient_privilege then
    raise notice 'large objects and locks are not revoked: %', sqlerrm;
end;
$$;
