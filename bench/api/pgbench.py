"""Runs pgbench with the queries of the API: bare, and in the transaction that PostgREST wraps them in."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

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
# Only who asks, as the check notes it, and the query.
BARE = """\
\\set k random(1, {most})
begin isolation level read committed read only;
select set_config('role', '{role}', true), set_config('request.jwt.claims', {claims}, true),
 set_config('segs.claims', {claims}, true), set_config('segs.tenant_id', '{tenant}', true),
 set_config('segs.user_id', {person}, true), set_config('plan_cache_mode', '{plan_mode}', true);
{query};
commit;
"""


WARM = 1
"""Seconds before what is measured."""


def claims(request: Request, grid: Grid) -> str:
    """The claims of ``:k``, as an SQL expression."""
    text = json.dumps(
        {
            "iss": "segs", "aud": "segs", "exp": 9_999_999_999, "sub": "%1$s", "sid": "%1$s",
            "role": request.role, "tenant": TENANT,
        }
    )  # fmt: skip
    return f"format('{text}', {person(request, grid)})"


def person(request: Request, grid: Grid) -> str:
    """Who asks, as an SQL expression."""
    if request.role != "consumer":
        return f"'{grid.operator}'"
    return "'00000000-0000-4000-8000-' || lpad(:k::text, 12, '0')"


def script(environment: Environment, template: str, request: Request, grid: Grid) -> tuple[str, list[str]]:
    """What one client runs over and over, and the times in it: parameters, as PostgREST sends them."""
    times: list[str] = []

    def parameter(match: re.Match[str]) -> str:
        times.append(match[1])
        return f":t{len(times)}"

    with environment.connect() as connection:
        row = connection.execute(
            "select auth.plan_mode(%s, %s)", (request.resource, request.role != "consumer")
        ).fetchone()
    text = template.format(
        most=grid.consumers, role=request.role, resource=request.resource,
        query=re.sub(r"'(\d{4}-[^']*)'", parameter, request.query), claims=claims(request, grid),
        person=person(request, grid), tenant=environment.tenant_id, plan_mode=(row and row[0]) or "auto",
    )  # fmt: skip
    return text, [f"--define=t{number}={time}" for number, time in enumerate(times, 1)]


def run(
    environment: Environment, template: str, request: Request, grid: Grid, *, clients: int, seconds: int
) -> Sample:
    """Transactions a second, and what they took, once every client has prepared its statements."""
    folder = environment.folder("pgbench")
    for old in folder.iterdir():
        old.unlink()
    text, times = script(environment, template, request, grid)
    (folder / "script.sql").write_text(text, encoding="utf-8")
    command = environment.runtime.command(
        f"{PG_BIN}/pgbench", "--no-vacuum", "--protocol", "prepared", "--client", str(clients), "--jobs", "1",
        "--time", str(WARM + seconds), *times, "--file", str(folder / "script.sql"),
        "--log", "--log-prefix", str(folder / "log"), DATABASE,
        binds=[folder],
    )  # fmt: skip
    login = {
        "PGHOST": servers.LOOPBACK, "PGPORT": str(environment.ports["postgres"]),
        "PGUSER": "authenticator", "PGPASSWORD": environment.secrets.passwords["authenticator"],
    }  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **login})
    if done.returncode != 0 or "number of failed transactions: 0 " not in done.stdout:
        raise LoadError(f"pgbench, {request.name}: {(done.stderr + done.stdout).strip()[-800:]}")
    ended = list(_ended(folder))
    begun = min(at for at, _ in ended) + WARM
    took = [milliseconds for at, milliseconds in ended if at >= begun]
    return {
        "requests_s": len(took) / (max(at for at, _ in ended) - begun),
        "p50.ms": percentile(took, 0.50),
        "p95.ms": percentile(took, 0.95),
        "p99.ms": percentile(took, 0.99),
    }


def _ended(folder: Path) -> Iterator[tuple[float, float]]:
    """When each transaction ended, in seconds, and how many milliseconds it took."""
    for log in folder.glob("log.*"):
        for line in log.read_text(encoding="ascii").splitlines():
            _, _, took, _, seconds, micro = line.split()[:6]
            yield int(seconds) + int(micro) / 1e6, int(took) / 1000
