"""No room for the state and the logs: the servers are kept running, and what is told is true."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.paths import DataDir
from stack.servers import http_ready
from tests.support.rest import RestClient
from tests.support.segs import Segs
from tests.support.wait import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system to fill")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def segs(tmp_path: Path, small: Path) -> Iterator[Segs]:
    """A stack whose state and logs are on it."""
    segs = Segs(tmp_path / "data")
    run = DataDir(segs.data).run
    (small / "run").mkdir()
    (small / "log").mkdir()
    (small / "run" / "ports.json").write_text((run / "ports.json").read_text())
    (run / "ports.json").unlink()
    run.rmdir()
    run.symlink_to(small / "run")
    DataDir(segs.data).logs.symlink_to(small / "log")
    with segs.running():
        yield segs


def fill(folder: Path) -> Path:
    """Take every byte there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    assert os.statvfs(folder).f_bavail == 0
    return filler


def process_of(segs: Segs, word: str) -> psutil.Process | None:
    """The running server whose command line holds this word, whatever the state says."""
    for process in psutil.Process(int(segs.status()["supervisor"])).children(recursive=True):
        try:
            if word in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except psutil.NoSuchProcess:
            continue
    return None


def test_servers_that_die_on_a_full_disk_come_back_and_the_state_follows(segs: Segs, small: Path) -> None:
    filler = fill(small)
    before = segs.service("ingest")
    for _ in range(2):  # again: supervision has not ended the first time
        died = process_of(segs, "workers.ingest")
        assert died is not None
        died.send_signal(signal.SIGKILL)
        wait_until(
            lambda died=died: (now := process_of(segs, "workers.ingest")) is not None and now.pid != died.pid,  # type: ignore[misc]
            "ingest is started again",
            60,
        )
        wait_until(lambda: _answers(f"{segs.url}/health/ingest"), "ingest answers", 60)
    told = segs.service("ingest")
    assert told["state"] != "healthy" or told["pid"] == process_of(segs, "workers.ingest").pid  # type: ignore[union-attr]

    # Who asks is told, too.
    wait_until(lambda: _health(segs.url).get("disk") == "fail", "health names the full disk", 60)
    examined = segs.attempt("doctor", "--json")
    assert examined.returncode == 1
    assert "fail" in {f["state"] for f in json.loads(examined.stdout) if f["part"] == "disk"}

    os.kill(segs.service("nginx")["pid"], signal.SIGKILL)
    wait_until(lambda: _answers(f"{segs.url}/health/ingest"), "the edge is back as it was", 60)

    filler.unlink()
    restarts = before["restarts"] + 2
    wait_until(
        lambda: (now := segs.service("ingest"))["state"] == "healthy" and now["restarts"] == restarts,
        "the state is true again",
        60,
    )
    log = small / "log" / "ingest.log"
    died = process_of(segs, "workers.ingest")
    assert died is not None
    size = log.stat().st_size
    died.send_signal(signal.SIGTERM)
    wait_until(lambda: log.stat().st_size > size, "lines are written again", 60)


def _health(url: str) -> dict[str, str]:
    answer = RestClient(url).get("/health")
    return dict(answer.json()) if answer.status in (200, 503) else {}


def _answers(url: str) -> bool:
    try:
        http_ready(url)
    except Exception:
        return False
    return True
