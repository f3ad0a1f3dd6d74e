"""One running server: started, watched until it answers, its output collected, stopped."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

LineSink = Callable[[str, str], None]
"""Takes a server's name and one line of its output."""


class NotReady(Exception):
    """A server does not answer as it should (yet)."""


class ServerError(Exception):
    """A server could not be started; the message holds the end of its output."""


@dataclass(frozen=True)
class ServerSpec:
    """How to run one server."""

    name: str
    command: Callable[[int], list[str]]
    """Given the file descriptor for bwrap's ``--info-fd`` (unused by servers run without bwrap)."""
    ready: Callable[[], None]
    """Returns when the server answers, else raises."""
    url: str
    environment: Callable[[], Mapping[str, str]] = dict
    """Variables besides PATH, HOME and the like; asked for at every start."""
    in_runtime: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 20.0
    ready_timeout: float = 60.0
    cwd: Path | None = None


class Server:
    """A process made from a :class:`ServerSpec`. May be started again after it has ended."""

    def __init__(self, spec: ServerSpec, sink: LineSink) -> None:
        self.spec = spec
        self._sink = sink
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._last_lines: list[str] = []
        self.pid: int | None = None

    def start(self) -> None:
        """Start the process. It may not answer yet: see :meth:`wait_ready`."""
        read_fd, write_fd = os.pipe()
        try:
            self._process = subprocess.Popen(
                self.spec.command(write_fd),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**_inherited_environment(), **self.spec.environment()},
                cwd=self.spec.cwd,
                pass_fds=(write_fd,),
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
            )
        finally:
            os.close(write_fd)
        self._last_lines = []
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        with os.fdopen(read_fd) as info:
            self.pid = _child_pid(info.read()) if self.spec.in_runtime else self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while the process runs."""
        return None if self._process is None else self._process.poll()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def last_output(self) -> str:
        return " | ".join(self._last_lines[-5:])

    def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until the server answers; raise :class:`ServerError` if it ends or the time is up."""
        deadline = time.monotonic() + (self.spec.ready_timeout if timeout is None else timeout)
        while True:
            reason = self.check()
            if reason is None:
                return
            if not self.running:
                self._join_reader()
                raise ServerError(f"{self.spec.name} ended with status {self.returncode}: {self.last_output}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.spec.name} does not answer ({reason}): {self.last_output}")
            time.sleep(0.1)

    def check(self) -> str | None:
        """None when the server answers, else why not."""
        try:
            self.spec.ready()
        except Exception as error:  # a health check may fail in any way its client library knows
            return str(error) or type(error).__name__
        return None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server itself (not to bwrap, which would not pass it on)."""
        if self.running and self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def stop(self) -> None:
        """Ask the server to end; insist when its time is up."""
        process = self._process
        if process is None:
            return
        self.signal(self.spec.stop_signal)
        try:
            process.wait(self.spec.stop_timeout)
        except subprocess.TimeoutExpired:
            self._sink(self.spec.name, f"did not stop within {self.spec.stop_timeout:.0f} s: killed")
            self.signal(signal.SIGKILL)
            process.wait()
        self._join_reader()
        self.pid = None

    def wait(self) -> int:
        """Wait for the process to end by itself."""
        assert self._process is not None
        return self._process.wait()

    def _join_reader(self) -> None:
        if self._reader is not None:
            self._reader.join(2)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for raw in process.stdout:
                line = raw.decode(errors="replace").rstrip()
                if line:
                    self._last_lines = [*self._last_lines[-19:], line]
                    self._sink(self.spec.name, line)


class _LogFile(logging.handlers.RotatingFileHandler):
    """Loses what cannot be written (a full disk, a folder gone), and begins again with the next line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        stream, self.stream = self.stream, None
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


class LogFiles:
    """A line sink that keeps one rotated file a server and one for all of them.

    It never raises: the reader of a server's output must go on, or the server waits for ever to write.
    """

    def __init__(self, directory: Path, also: LineSink | None = None) -> None:
        self._directory = directory
        self._also = also
        self._handlers: dict[str, logging.Handler] = {}
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, line: str) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S")
        self._write(name, f"{moment} {line}")
        self._write("all", f"{moment} {name:<10} {line}")
        if self._also is not None:
            with contextlib.suppress(OSError):
                self._also(name, line)

    def _write(self, name: str, text: str) -> None:
        with self._lock:
            if name not in self._handlers:
                self._handlers[name] = _LogFile(
                    self._directory / f"{name}.log",
                    maxBytes=10_000_000,
                    backupCount=2,
                    encoding="utf-8",
                    delay=True,
                )
            self._handlers[name].emit(logging.makeLogRecord({"msg": text}))

    def close(self) -> None:
        for handler in self._handlers.values():
            with contextlib.suppress(OSError):
                handler.close()


def _child_pid(info: str) -> int | None:
    try:
        return int(json.loads(info)["child-pid"])
    except (ValueError, KeyError):
        return None


def _inherited_environment() -> dict[str, str]:
    """What every server may know of our environment: nothing that configures or connects."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}
