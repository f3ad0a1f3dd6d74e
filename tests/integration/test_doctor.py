"""``segs doctor`` on real databases and data folders: each thing is made wrong once, and it says so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stack import secrets
from stack.paths import CHECKOUT, DataDir
from tests.support.cluster import Cluster, Database
from tests.support.segs import Segs


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A data folder with secrets, of a stack that does not run."""
    data = DataDir.at(tmp_path / "data")
    data.create()
    secrets.load_or_create(data.secrets)
    return data


def doctor(data: DataDir, url: str | None) -> tuple[int, dict[str, dict[str, Any]]]:
    """Its exit status and findings, the worst of each part."""
    done = run(data, url, "--json")
    found: dict[str, dict[str, Any]] = {}
    for finding in json.loads(done.stdout):
        assert finding["state"] == "ok" or finding["advice"], finding
        if finding["state"] != "ok" or finding["part"] not in found:
            found[finding["part"]] = finding
    return done.returncode, found


def run(data: DataDir, url: str | None, *words: str) -> subprocess.CompletedProcess[str]:
    environment = Segs.environment_without_database()
    if url is not None:
        environment["SEGS_DATABASE_URL"] = url
    command = [sys.executable, "-m", "segs", "doctor", "--data", str(data.path), *words]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_a_sound_platform_passes(data: DataDir, database: Database) -> None:
    status, found = doctor(data, database.admin_url)
    warned = {part for part, finding in found.items() if finding["state"] != "ok"}
    # No stack runs here, and of this server's databases another has pg_cron. (The disk is this machine's.)
    assert warned - {"disk"} == {"stack", "jobs"}
    assert status == (1 if found["disk"]["state"] == "fail" else 0)
    assert {"keys", "postgresql", "extensions", "migrations", "connections", "epoch", "clock"} <= set(found)


def test_people_read_lines_with_advice(data: DataDir, database: Database) -> None:
    database.rows("update event.state set cluster = '7'")
    done = run(data, database.admin_url)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (at,) = [n for n, line in enumerate(lines) if line.split()[:2] == ["fail", "epoch"]]
    assert lines[at + 1].split()[:3] == ["->", "`segs", "db"]


DatabaseFault = Callable[[Database], object]


@pytest.mark.parametrize(
    ("part", "statement"),
    [
        ("epoch", "update event.state set cluster = '7'"),
        ("queues", "select pgmq.send('raw_readings_dead', '{}')"),
        (
            "migrations",
            "delete from deploy.migration where version = (select max(version) from deploy.migration)",
        ),
        ("migrations", "update deploy.checksum set sha256 = 'edited'"),
        ("extensions", "drop extension btree_gist cascade"),
        ("extensions", "alter schema pgmq rename to pgmq_away"),
        ("deployed", "drop function upkeep.findings"),
    ],
)
def test_a_fault_of_the_database_is_named(
    data: DataDir, database: Database, part: str, statement: str
) -> None:
    database.rows(statement)
    _, found = doctor(data, database.admin_url)
    assert found[part]["state"] in ("warn", "fail")


def test_a_transaction_that_holds_events_back_is_named(
    data: DataDir, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from segs import doctor as module

    monkeypatch.setattr(module, "LONG_TRANSACTION", -1)
    with database.connect(autocommit=False) as writer:
        writer.execute("select pg_current_xact_id()")
        pid = writer.info.backend_pid
        found = {finding.part: finding for finding in module.examine(data, database.admin_url)}
    assert found["transactions"].state == "warn"
    assert str(pid) in found["transactions"].advice


def test_a_server_that_is_away_is_named(data: DataDir) -> None:
    status, found = doctor(data, "postgresql://nobody:none@127.0.0.1:9/segs")
    assert (status, found["database"]["state"]) == (1, "fail")


def test_an_empty_database_is_named(data: DataDir, cluster: Cluster) -> None:
    with cluster.empty() as empty:
        status, found = doctor(data, empty.admin_url)
    assert status == 1
    assert (
        found["extensions"]["state"] == found["deployed"]["state"] == found["migrations"]["state"] == "fail"
    )


def open_secrets(data: DataDir) -> None:
    (data.secrets / "passwords.json").chmod(0o644)


def lose_key(data: DataDir) -> None:
    (data.secrets / secrets.PRIVATE_KEY).unlink()


def exchange_key(data: DataDir) -> None:
    (data.secrets / secrets.PRIVATE_KEY).write_text(secrets.new_private_key())


def break_jwks(data: DataDir) -> None:
    (data.secrets / secrets.PUBLIC_KEYS).write_text("{")


def lose_run(data: DataDir) -> None:
    data.run.rmdir()
    data.run.write_text("not a folder")


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("secrets", open_secrets),
        ("keys", lose_key),
        ("keys", exchange_key),
        ("secrets", break_jwks),
        ("disk", lose_run),
    ],
)
def test_a_fault_of_the_data_folder_is_named(
    data: DataDir, part: str, fault: Callable[[DataDir], None]
) -> None:
    fault(data)
    status, found = doctor(data, None)
    assert (status, found[part]["state"]) == (1, "fail")
