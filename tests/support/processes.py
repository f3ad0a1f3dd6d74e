"""Real processes for tests: started with a log file, awaited, signalled, and never left running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.wait import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent

# Logs of whatever runs now, by name: a failed test shows what was written to them while it ran.
LOGS: dict[str, Path] = {}


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_open(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def http_status(url: str) -> int:
    """The status code of a GET, 0 while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


class TestProcess:
    """A child process with its log; ``stop`` is SIGTERM with a deadline, ``kill`` is SIGKILL."""

    __test__ = False

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str] | None = None,
        url: str = "",
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = dict(env) if env is not None else None
        self.url = url
        self.process: subprocess.Popen[bytes] | None = None
        self.stop_signal = signal.SIGTERM

    @property
    def pid(self) -> int:
        """The process id; fails when it was never started."""
        assert self.process is not None, f"{self.name} was not started"
        return self.process.pid

    def start(self) -> None:
        """Start (again); the log is appended to."""
        assert not self.running, f"{self.name} is running already"
        LOGS[self.name] = self.log
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**os.environ, **self.env} if self.env is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self.process is not None and self.process.poll() is None

    def wait_healthy(self, path: str = "/health", status: int = 200, timeout: float = 30) -> None:
        """Wait until the URL answers with the status; a process that ended fails at once."""

        def healthy() -> bool:
            assert self.running, f"{self.name} ended: {self.tail()}"
            return http_status(self.url + path) == status

        wait_until(healthy, f"{self.name} answers {path} with {status}", timeout)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        os.kill(self.pid, number)

    def stop(self, timeout: float = 15) -> int | None:
        """End it as a supervisor would; after the deadline by force. Returns the exit code."""
        if self.process is None:
            return None
        if self.running:
            self.signal(self.stop_signal)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        LOGS.pop(self.name, None)
        return self.process.returncode

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        assert self.process is not None
        if self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(15)

    def tail(self, lines: int = 40) -> str:
        """The end of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def worker(name: str, module: str, url: str, log: Path, env: Mapping[str, str]) -> TestProcess:
    """A worker of ours, run with this interpreter."""
    return TestProcess(name, [sys.executable, "-m", module], log, {"PYTHONUNBUFFERED": "1", **env}, url)
