"""Tests on the server of a platform that runs: it goes on as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from stack.paths import CHECKOUT
from tests.support.segs import Segs
from tests.support.wait import patient, wait_until

BORROWERS = (
    "tests/db/test_fixtures.py",
    "tests/integration/test_migrate_service.py",
    "tests/integration/test_ingest_http.py",
    "tests/db/test_deploy.py::test_a_failed_migration_is_rolled_back_and_can_be_repaired",
)
PASSWORDS = "select rolname, rolpassword from pg_authid where rolpassword is not null order by 1"


def test_a_platform_goes_on_while_tests_use_its_server(tmp_path: Path) -> None:
    with Segs(tmp_path / "data").running() as segs:
        url = str(segs.status()["database_url"])
        with psycopg.connect(url, autocommit=True) as connection:
            before = connection.execute(PASSWORDS).fetchall()
            databases = connection.execute("select datname from pg_database order by 1").fetchall()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *BORROWERS],
            cwd=CHECKOUT,
            env={**os.environ, "SEGS_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
            timeout=patient(180),
        )
        assert done.returncode == 0, done.stdout[-4000:]

        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute(PASSWORDS).fetchall() == before
            assert connection.execute("select datname from pg_database order by 1").fetchall() == databases
        # Every service logs in again, with the password that it has.
        services = ("ingest", "relay", "auth", "notifier", "postgrest")
        told = {name: segs.service(name) for name in services}
        for name in services:
            os.kill(told[name]["pid"], signal.SIGKILL)

        def are_back() -> bool:
            now = {name: segs.service(name) for name in services}
            return all(
                now[name]["state"] == "healthy" and now[name]["pid"] not in (None, told[name]["pid"])
                for name in services
            )

        wait_until(are_back, "every service is healthy again", 60)
        assert segs.rest().get("/regions").status == 200
