"""``python -m bench.explain DIRECTORY``: how PostgreSQL runs the requests of the API.

DIRECTORY is what a run of the API part left behind (``python -m bench api --directory DIRECTORY``, subfolder
``api``). Each query runs as PostgREST's login with the role and claims of its request, prepared, after six
runs: as in a connection of its pool, where the planner has decided by then whether to keep one plan. Below
it are the plans of the queries that functions run meanwhile (auto_explain), without the quickest.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import psycopg

from bench import command
from bench.api import data as api_data
from bench.api.requests import ASKER, Client, Request, requests
from bench.environment import Environment, running
from stack import runtime
from stack.paths import CHECKOUT

QUICKEST = 0.05
"""Milliseconds of a query within a function that is shown."""
SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
}
FOLDER = CHECKOUT / "bench" / "results" / "explain"


def explain(environment: Environment, client: Client, request: Request) -> str:
    """The plan of one request, under the query."""
    values: list[str] = []

    def parameter(match: re.Match[str]) -> str:
        values.append(match[1] or str(ASKER))
        return f"${len(values)}"

    # What a request asks for reaches PostgreSQL as parameters.
    query = re.sub(r":k\b|'(\d{4}-[^']*)'", parameter, request.query)
    given = "({})".format(", ".join(f"'{value}'" for value in values)) if values else ""
    nested: list[str] = []
    with environment.connect() as connection:
        connection.execute("grant set on parameter auto_explain.log_min_duration to consumer, operator")
    with psycopg.connect(environment.role_url("authenticator"), autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: nested.append(notice.message_primary or ""))
        connection.execute("begin")
        client.become(connection, request, ASKER)
        connection.execute(f"prepare request as {query}".encode())
        for _ in range(6):
            connection.execute(f"execute request{given}".encode())
        plan = connection.execute(f"explain (analyze, buffers) execute request{given}".encode())
        lines = [str(line[0]) for line in plan]
        connection.execute("set local client_min_messages = log")
        connection.execute("set local auto_explain.log_min_duration = 0")
        connection.execute(f"execute request{given}".encode())
        connection.execute("rollback")
    for text in nested[:-1]:  # the last is the request itself
        spent = re.match(r"duration: ([0-9.]+) ms", text)
        if spent and float(spent[1]) >= QUICKEST:
            lines += ["", *text.splitlines()]
    return "\n".join(
        [f"-- {request.name} ({request.role})", f"-- GET {request.path}", f"{query};", "", *lines, ""]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.explain", description=__doc__)
    parser.add_argument("directory", type=Path)
    directory = parser.parse_args().directory
    return command.run("bench.explain", lambda: write(directory))


def write(directory: Path) -> None:
    """Every request's plan, a file each."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running(directory, runtime.ensure(), SETTINGS) as environment:
        grid = api_data.load(environment, 10_000, 5_000)
        client = Client(environment, grid)
        for request in requests(grid):
            name = re.sub(r"[^a-z0-9]+", "-", request.name).strip("-")
            (FOLDER / f"{name}.txt").write_text(explain(environment, client, request), encoding="utf-8")
            print(f"{FOLDER.relative_to(CHECKOUT)}/{name}.txt")


if __name__ == "__main__":
    raise SystemExit(main())
