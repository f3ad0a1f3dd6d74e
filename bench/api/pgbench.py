"""Runs pgbench with the queries of the API: bare, and in the transaction that PostgREST wraps them in."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.api.data import Grid
from bench.api.requests import Request
from bench.environment import DATABASE, TENANT, Environment
from bench.figures import Sample, percentile
from bench.wrk import LoadError
from stack import servers
from stack.runtime import PG_BIN

# Session settings as PostgREST 12 makes them, then db-pre-request, then the query with its rows made JSON.
WRAPPED = """\
\\set k random(1, {most})
begin isolation level read committed read only;
select set_config('search_path', '"api"', true), set_config('role', '{role}', true),
 set_config('request.jwt.claims', {claims}, true), set_config('request.method', 'GET', true),
 set_config('request.path', '{resource}', true),
 set_config('request.headers', '{{"host":"127.0.0.1","x-request-id":"0"}}', true),
 set_config('request.cookies', '{{}}', true);
select auth.check_request();
with pgrst_source as ({query})
 select null::bigint as total_result_set, pg_catalog.count(t) as page_total,
 coalesce(json_agg(t), '[]') as body,
 nullif(current_setting('response.headers', true), '') as response_headers,
 nullif(current_setting('response.status', true), '') as response_status, '' as response_inserted
 from (select * from pgrst_source) as t;
commit;
"""
# Only who asks, and the query.
BARE = """\
\\set k random(1, {most})
begin isolation level read committed read only;
select set_config('role', '{role}', true), set_config('request.jwt.claims', {claims}, true);
{query};
commit;
"""


def claims(request: Request, grid: Grid) -> str:
    """The claims of ``:k``, as an SQL expression."""
    person = "%1$s" if request.role == "consumer" else grid.operator
    text = json.dumps(
        {
            "iss": "segs", "aud": "segs", "exp": 9_999_999_999, "sub": person, "sid": person,
            "role": request.role, "tenant": TENANT,
        }
    )  # fmt: skip
    return f"format('{text}', '00000000-0000-4000-8000-' || lpad(:k::text, 12, '0'))"


def script(template: str, request: Request, grid: Grid) -> str:
    """What one client runs over and over."""
    return template.format(
        most=grid.consumers, role=request.role, resource=request.resource, query=request.query,
        claims=claims(request, grid),
    )  # fmt: skip


def run(
    environment: Environment, template: str, request: Request, grid: Grid, *, clients: int, seconds: int
) -> Sample:
    """Transactions a second, and what they took."""
    folder = environment.folder("pgbench")
    for old in folder.iterdir():
        old.unlink()
    (folder / "script.sql").write_text(script(template, request, grid), encoding="utf-8")
    command = environment.runtime.command(
        f"{PG_BIN}/pgbench", "--no-vacuum", "--protocol", "prepared", "--client", str(clients), "--jobs", "1",
        "--time", str(seconds), "--file", str(folder / "script.sql"),
        "--log", "--log-prefix", str(folder / "log"), DATABASE,
        binds=[folder],
    )  # fmt: skip
    login = {
        "PGHOST": servers.LOOPBACK, "PGPORT": str(environment.ports["postgres"]),
        "PGUSER": "authenticator", "PGPASSWORD": environment.secrets.passwords["authenticator"],
    }  # fmt: skip
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **login})
    if done.returncode != 0 or "number of failed transactions: 0 " not in done.stdout:
        raise LoadError(f"pgbench, {request.name}: {(done.stderr + done.stdout).strip()[-800:]}")
    times = list(_milliseconds(folder))
    return {
        "requests_s": len(times) / min(seconds, time.monotonic() - begun),
        "p50.ms": percentile(times, 0.50),
        "p95.ms": percentile(times, 0.95),
        "p99.ms": percentile(times, 0.99),
    }


def _milliseconds(folder: Path) -> Iterator[float]:
    for log in folder.glob("log.*"):
        for line in log.read_text(encoding="ascii").splitlines():
            fields: list[Any] = line.split()
            yield int(fields[2]) / 1000
