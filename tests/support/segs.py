"""A whole stack as a person runs it: the ``segs`` command with a data folder and a port of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stack.paths import CHECKOUT, DataDir
from stack.plan import INTERNAL
from tests.support.rest import RestClient
from tests.support.servers import free_port
from tests.support.wait import patient, wait_until


class Segs:
    """``segs`` commands for one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # What `segs up` found by itself, tests that run beside could take before it is used.
        folder = DataDir(data).run
        folder.mkdir(parents=True)
        (folder / "ports.json").write_text(json.dumps({name: free_port() for name in INTERNAL}))

    def command(self, *words: str) -> list[str]:
        """The command line; the data folder is added after the sub-command."""
        at = 2 if words[0] in ("db", "keys") else 1
        return [sys.executable, "-m", "segs", *words[:at], "--data", str(self.data), *words[at:]]

    def environment(self) -> dict[str, str]:
        """Ours, without what would turn the stack to another server."""
        return self.environment_without_database()

    @staticmethod
    def environment_without_database() -> dict[str, str]:
        """The same, for commands that are told another."""
        return {name: value for name, value in os.environ.items() if name != "SEGS_DATABASE_URL"}

    def run(self, *words: str, timeout: float = 60) -> str:
        """Run a command that must succeed; what it printed."""
        result = self.attempt(*words, timeout=timeout)
        assert result.returncode == 0, (
            f"segs {' '.join(words)}: {result.stdout[-2000:]} {result.stderr[-2000:]}"
        )
        return result.stdout

    def attempt(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command, however it ends."""
        return subprocess.run(
            self.command(*words),
            cwd=CHECKOUT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patient(timeout),
            check=False,
        )

    @contextmanager
    def background(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command while the block runs, and end it after."""
        with subprocess.Popen(
            self.command(*words),
            cwd=CHECKOUT,
            env={**self.environment(), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.terminate()

    def status(self) -> dict[str, Any]:
        """What ``segs status --json`` says, whether or not a stack runs."""
        found: dict[str, Any] = json.loads(self.attempt("status", "--json").stdout)
        return found

    def service(self, name: str) -> dict[str, Any]:
        """One service of the status."""
        (found,) = [service for service in self.status()["services"] if service["name"] == name]
        return dict(found)

    def up(self) -> None:
        """Start the stack in the background, without a simulated grid."""
        self.run("up", "--detach", "--no-simulator", "--port", str(self.port))

    def rest(self, role: str = "operator") -> RestClient:
        """The REST API with a development token."""
        token = self.run("token", "--role", role).strip()
        return RestClient(f"{self.url}/api/v1", {"Authorization": f"Bearer {token}"})

    @contextmanager
    def running(self) -> Iterator[Segs]:
        """Start it; stop it at the end, and see that nothing of it is left."""
        try:
            self.up()
            yield self
        finally:
            pids = [service["pid"] for service in self.status().get("services", []) if service["pid"]]
            self.attempt("down")
            wait_until(
                lambda: not [pid for pid in pids if _runs(pid)], "every process of the stack has ended"
            )


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
