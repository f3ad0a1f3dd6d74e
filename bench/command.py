"""How the programs of the suite that start servers begin and end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from stack.process import ServerError
from stack.progress import SetupError


def run(name: str, work: Callable[[], None]) -> int:
    """Do the work; returns the exit code. What cannot be set up or started is told in a line.

    Told to terminate, it stops its servers and removes its data, as after Ctrl-C.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        work()
    except (SetupError, ServerError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0
