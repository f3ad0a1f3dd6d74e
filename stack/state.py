"""What a running stack tells other commands: a lock that says it runs, and a file that says how."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stack.paths import DataDir
from stack.progress import SetupError
from stack.secrets import write_private

_FLOCK = "hh4xqqi4x"


class NotRunning(Exception):
    """There is no running stack in this data folder."""


@contextmanager
def claim(data: DataDir) -> Iterator[None]:
    """Be the one supervisor of this data folder; the lock ends with this process, however it ends."""
    data.create()
    with (data.run / "lock").open("w") as lock:
        try:
            fcntl.fcntl(lock, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK))
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise SetupError(
                f"a stack already runs in {data.path}: see `segs status`, or `segs down`"
            ) from error
        data.state_file.unlink(missing_ok=True)
        yield
        data.state_file.unlink(missing_ok=True)


def _flock(kind: int) -> bytes:
    """A ``struct flock`` of Linux on 64 bits: the whole file, of nobody in particular."""
    return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)


def is_running(data: DataDir) -> bool:
    """Whether a supervisor holds this data folder. Asks only: taking the lock would be in its way."""
    try:
        with (data.run / "lock").open() as lock:
            found = fcntl.fcntl(lock, fcntl.F_OFD_GETLK, _flock(fcntl.F_RDLCK))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return bool(struct.unpack(_FLOCK, found)[0] != fcntl.F_UNLCK)


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
    for service in state.get("services", []):
        # The file cannot be newer than the last time there was room for it.
        if service["pid"] is not None and not Path(f"/proc/{service['pid']}").exists():
            service["state"] = "gone"
    return state
