#!/bin/sh
# Makes the cluster at the first start, with the database and the password it is told, then becomes the server.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --pgdata "$PGDATA" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" \
        --auth-local trust --auth-host "$POSTGRES_HOST_AUTH_METHOD" --encoding UTF8 --locale C.UTF-8
    echo "create database $POSTGRES_DB;" | postgres --single -D "$PGDATA" postgres >/dev/null
    echo "host all all all $POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
fi
exec "$@" "-clisten_addresses=*"
