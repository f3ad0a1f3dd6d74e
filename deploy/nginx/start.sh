#!/bin/sh
# Fills the SEGS_ names of the template in, as `segs up` does on one machine, and becomes nginx.
set -eu
names=$(env | sed -n 's/^\(SEGS_[A-Z_]*\)=.*/${\1}/p' | tr '\n' ' ')
envsubst "$names" </etc/segs/segs.conf.template >/tmp/segs.conf
exec nginx -c /etc/segs/nginx.conf -e stderr -g 'daemon off;'
