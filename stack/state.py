"""What a running stack tells other commands: a lock that says it runs, and a file that says how."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stack.paths import DataDir
from stack.progress import SetupError
from stack.secrets import write_private


class NotRunning(Exception):
    """There is no running stack in this data folder."""


@contextmanager
def claim(data: DataDir) -> Iterator[None]:
    """Be the one supervisor of this data folder; the lock ends with this process, however it ends."""
    data.create()
    with (data.run / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(
                f"a stack already runs in {data.path}: see `segs status`, or `segs down`"
            ) from error
        data.state_file.unlink(missing_ok=True)
        yield
        data.state_file.unlink(missing_ok=True)


def is_running(data: DataDir) -> bool:
    """Whether a supervisor holds this data folder."""
    path = data.run / "lock"
    if not path.exists():
        return False
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def write(data: DataDir, state: dict[str, Any]) -> None:
    """Publish the state. It holds the database URL with its password, so it is private like the secrets."""
    write_private(data.state_file, json.dumps({"supervisor": os.getpid(), **state}, indent=2))


def read(data: DataDir) -> dict[str, Any]:
    """The state of the running stack. Raises :class:`NotRunning`."""
    if not is_running(data):
        raise NotRunning(f"no stack runs in {data.path}: start one with `segs up`")
    try:
        state: dict[str, Any] = json.loads(data.state_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotRunning(f"the stack in {data.path} is only just starting or stopping: try again") from error
    return state
