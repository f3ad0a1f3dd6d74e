"""Whether the worker on this port of this machine is ready: ``python -m workers.lib.healthcheck PORT``.

A module, not ``python -c``: some engines split a health check's command at its spaces.
"""

from __future__ import annotations

import sys
from http.client import HTTPConnection

TIMEOUT = 3.0
USAGE = "usage: python -m workers.lib.healthcheck PORT"


def main(arguments: list[str]) -> int:
    """0 when ``GET /health`` answers 200, 1 when it does not, 2 for a wrong call."""
    if len(arguments) != 1 or not arguments[0].isdigit() or not 0 < int(arguments[0]) < 65536:
        print(USAGE, file=sys.stderr)
        return 2
    connection = HTTPConnection("127.0.0.1", int(arguments[0]), timeout=TIMEOUT)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", errors="replace")
    except OSError as error:
        print(f"no answer on port {arguments[0]}: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    print(body)
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
