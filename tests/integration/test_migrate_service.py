"""The program of compose's migrate service, against a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from stack.paths import CHECKOUT
from stack.runtime import Runtime
from tests.support.cluster import Cluster, Database
from tests.support.wait import patient


def migrate(database: Database, runtime: Runtime, secrets: Path) -> subprocess.CompletedProcess[str]:
    roles = {"segs_ingest": "segs_ingest", "segs_relay": "segs_relay", "postgrest": "authenticator"}
    (secrets / "segs_database_url").write_text(f"{database.admin_url}\n")
    for service, role in roles.items():
        (secrets / f"{service}_database_url").write_text(f"{database.url(role)}\n")
    return subprocess.run(
        [sys.executable, "-m", "deploy.deployer"],
        env={
            "PATH": f"{runtime.dbmate.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(CHECKOUT),
            "SEGS_SECRETS_DIR": str(secrets),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(100),
    )


def test_it_deploys_an_empty_database_and_again_changes_nothing(
    cluster: Cluster, runtime: Runtime, tmp_path: Path
) -> None:
    with cluster.empty() as database:
        first = migrate(database, runtime, tmp_path)
        assert first.returncode == 0, first.stderr
        assert "migration 0001" in first.stdout
        # What the services will do next: log in with the password that stands in their own URL.
        with psycopg.connect(database.url("segs_ingest")) as connection:
            assert connection.execute("select max_age from ingest.limits").fetchone() is not None
        assert database.value("select require_session from auth.policy") is True, "as production wants"
        again = migrate(database, runtime, tmp_path)
        assert again.returncode == 0, again.stderr
        assert "migration" not in again.stdout
        served = sorted(cluster.logins[role] for role in ("authenticator", "segs_ingest", "segs_relay"))
        assert f"passwords of {', '.join(served)}" in again.stdout


def test_a_database_that_is_away_is_an_error_without_the_password(
    cluster: Cluster, runtime: Runtime, tmp_path: Path
) -> None:
    nowhere = Database("postgresql://postgres:not-a-password@127.0.0.1:9/segs", "segs", cluster.logins)
    result = migrate(nowhere, runtime, tmp_path)
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    assert "not-a-password" not in result.stdout + result.stderr
