"""The whole stack as ``segs`` runs it, with pg_cron at work."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stack.paths import CHECKOUT
from tests.support.rest import RestClient
from tests.support.segs import Segs
from tests.support.wait import patient, wait_until


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Segs]:
    """A running stack without a simulated grid."""
    with Segs(tmp_path_factory.mktemp("stack") / "data").running() as segs:
        yield segs


def rows(segs: Segs, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(segs.status()["database_url"], autocommit=True) as connection:
        return connection.execute(query).fetchall()


def count(segs: Segs, table: str) -> int:
    return int(rows(segs, f"select count(*) from {table}")[0][0])


def test_every_service_is_healthy_and_the_status_says_so(stack: Segs) -> None:
    status = stack.status()
    assert status["running"]
    assert status["edge_url"] == stack.url
    assert status["edition"] == "apache"
    assert {"postgres", "redis", "postgrest", "nginx", "ingest", "relay", "auth", "notifier"} <= {
        s["name"] for s in status["services"]
    }
    assert not [s for s in status["services"] if s["state"] not in ("running", "healthy", "ready")]


def test_no_log_holds_a_secret(stack: Segs) -> None:
    """Neither what the platform was given nor what it has made, whichever of its programs writes."""
    secrets = json.loads((stack.data / "secrets" / "passwords.json").read_text())
    token = stack.run("token", "--role", "operator").strip()
    assert token.startswith("eyJ")
    RestClient(stack.url).get(f"/ws?token={token}", {"X-Long": "x" * 9000})
    logs = [path for path in stack.data.rglob("*.log*") if path.is_file()]
    assert {"segs.log", "all.log", "access.log", "auth.log"} <= {path.name for path in logs}
    for path in logs:
        text = path.read_text(errors="replace")
        for name, secret in secrets.items():
            assert secret not in text, f"{path.name} holds the password of {name}"
        assert not re.search(r"eyJ[\w-]{20,}\.", text), f"{path.name} holds a token"


def raise_an_alert(segs: Segs) -> None:
    segs.run("simulate", "--meters", "20", "--history", "3h", "--iterations", "0", "--faults", "spike=0.2")
    operator = segs.rest()
    wait_until(lambda: operator.get("/alerts", limit=1, kind="eq.high").json(), "an alert is raised", 60)


def test_a_grid_comes_alive_by_itself(stack: Segs) -> None:
    """Nothing is called by hand: pg_cron drains the queue, closes windows, and refreshes the rollups."""
    with stack.background("listen") as listener:
        raise_an_alert(stack)
        operator = stack.rest()
        wait_until(lambda: operator.get("/tariffs", limit=1).json(), "a price is published", 60)
        assert listener.stdout is not None
        seen: set[str] = set()
        for line in listener.stdout:
            seen |= {t for t in ("load.closed", "price.published", "alert.raised") if t in line}
            if len(seen) == 3:
                break
    readings = count(stack, "grid.reading")
    stack.run(
        "simulate",
        "--meters",
        "20",
        "--mode",
        "queue",
        "--history",
        "15m",
        "--iterations",
        "0",
        "--seed",
        "2",
    )
    wait_until(lambda: not count(stack, "pgmq.q_raw_readings"), "the queue is drained", 60)
    assert count(stack, "grid.reading") >= readings
    failed = rows(stack, "select command, return_message from cron.job_run_details where status = 'failed'")
    assert failed == []


LOAD = ("--headless", "--only-summary", "-u", "11", "-r", "11", "-t", "6s", "--stop-timeout", "15")


def load_test(segs: Segs, *words: str) -> subprocess.CompletedProcess[str]:
    """bench/locustfile.py against that stack, as its operator would start it."""
    command = [sys.executable, "-m", "locust", "-f", "bench/locustfile.py", "--host", segs.url, *LOAD, *words]
    environment = {name: v for name, v in segs.environment().items() if not name.startswith("COVERAGE_")}
    return subprocess.run(
        command,
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )


def test_the_load_test_does_everything_and_nothing_fails(stack: Segs, tmp_path: Path) -> None:
    if not stack.rest().get("/alerts", limit=1, status="eq.active").json():
        raise_an_alert(stack)
    before = count(stack, "grid.reading")
    done = load_test(
        stack, "--data", str(stack.data), "--interval", "1", "--repeat-every", "2", "--alerts", "all",
        "--json-file", str(tmp_path / "figures"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = {row["name"]: row for row in json.loads((tmp_path / "figures.json").read_text())}
    assert set(found) >= {
        "regions", "register meters", "readings", "readings, twice",  # gateways
        "meters", "latest reading", "day by 15 minutes", "month by day", "current tariffs", "region loads",
        "open alerts", "connection",  # dashboards
        "running bill", "statistics", "estimate of a bill", "own alerts",  # consumers
        "alert summary", "active alerts", "acknowledge alert", "resolve alert", "alert.resolved",  # operators
        "sign in", "who am I", "refresh", "sign out",  # visitors
    }  # fmt: skip
    assert sum(row["num_failures"] for row in found.values()) == 0
    accepted = count(stack, "grid.reading") - before
    assert accepted >= 100 * found["readings"]["num_requests"]
    assert f"accepted {accepted:,}" in done.stderr


def test_the_load_test_says_what_it_lacks(stack: Segs, tmp_path: Path) -> None:
    done = load_test(stack, "--data", str(tmp_path / "another"))
    assert done.returncode == 2
    assert "--gateway-token" in done.stderr
    assert "segs token --role device" in done.stderr


def test_a_service_that_dies_comes_back(stack: Segs) -> None:
    before = stack.service("ingest")
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(
        lambda: (
            (now := stack.service("ingest"))["pid"] not in (None, before["pid"])
            and now["state"] == before["state"]
        ),
        "ingest is back",
        60,
    )
    assert stack.service("ingest")["restarts"] == before["restarts"] + 1


def test_jobs_that_have_stopped_are_told_of_and_scheduled_again(stack: Segs) -> None:
    before = rows(stack, "select max(jobid) from cron.job")
    rows(stack, "update cron.job set active = false returning jobid")
    client = RestClient(stack.url)

    def health_of_jobs() -> tuple[int, object]:
        answer = client.get("/health")  # one answer: the next may come after the repair
        return answer.status, answer.json().get("jobs")

    wait_until(lambda: health_of_jobs() == (503, "fail"), "health says that jobs are late", 120)
    wait_until(lambda: health_of_jobs()[1] == "ok", "they are scheduled again", 120)
    wait_until(
        lambda: rows(stack, f"select 1 from cron.job_run_details where jobid > {before[0][0]}"),
        "and run",
        120,
    )
    assert stack.attempt("doctor").returncode == 0


def test_the_signing_key_is_exchanged_while_it_runs(stack: Segs) -> None:
    before = stack.service("postgrest"), stack.rest()
    stack.run("keys", "rotate", "--keep", "1h")
    newest, replaced = stack.run("keys", "list").splitlines()
    assert newest.endswith("signs")
    assert "believed until" in replaced
    for client in (before[1], stack.rest()):
        assert client.get("/regions").status == 200
    stack.run("keys", "retire", replaced.split()[0])
    wait_until(lambda: before[1].get("/regions").status == 401, "the retired key is believed no more")
    assert stack.rest().get("/regions").status == 200
    assert stack.service("postgrest")["pid"] == before[0]["pid"]


def test_functions_are_applied_while_it_runs(stack: Segs) -> None:
    assert "function files" in stack.run("db", "apply")
    assert "pending" not in stack.run("db", "status")
    assert "has begun" in stack.run("db", "begin-epoch")


def test_two_stacks_run_side_by_side_and_data_outlives_a_stop(
    stack: Segs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Segs(tmp_path_factory.mktemp("other") / "data")
    with other.running():
        other.run("simulate", "--meters", "5", "--history", "15m", "--iterations", "0")
        stored = count(other, "grid.reading")
        assert stored > 0
        other.run("down")
        assert not other.status()["running"]
        assert stack.status()["running"]
        other.up()
        assert count(other, "grid.reading") == stored
