"""What ends a run before its time. Each error carries the exit code that --help documents."""

from __future__ import annotations


class SimulatorError(Exception):
    """Ends the run with a message and `exit_code`."""

    exit_code = 1


class UsageError(SimulatorError):
    """The options make no sense together, or something they need is not installed."""

    exit_code = 2


class Refused(SimulatorError):
    """The platform does not accept the token (401, 403)."""

    exit_code = 3


class ProtocolError(SimulatorError):
    """The platform does not understand the simulator: wrong address, or another version of the API."""

    exit_code = 4
