"""One id a request, the same in nginx's log, in ours and in PostgreSQL's.

nginx takes the id from the client or makes one, and passes it on as ``X-Request-Id``. Here it goes into every
log line of the request (see :mod:`workers.lib.log`), into ``application_name`` of the connections it uses
(see :mod:`workers.lib.db`), and back in the response.
"""

from __future__ import annotations

import logging
import os
import re
import time
from contextvars import ContextVar
from itertools import count

from aiohttp import web
from aiohttp.typedefs import Handler

log = logging.getLogger(__name__)

HEADER = "X-Request-Id"
MAX_LENGTH = 40
"""So that it fits into PostgreSQL's application_name (63 bytes) together with the worker's name."""

_ACCEPTED = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_LENGTH}}}")
_KEY = "request_id"

current: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being served; empty outside of one."""

QUIET = frozenset({"/health", "/health/platform", "/metrics", "/telemetry/batch"})
"""Paths whose successes are too many for a line each: they are logged at DEBUG."""


def accepted(text: str | None) -> str | None:
    """``text`` if it may serve as an id: letters, digits, dot, underscore, hyphen; nothing that SQL minds."""
    return text if text is not None and _ACCEPTED.fullmatch(text) else None


_process = os.urandom(8).hex()
_numbers = count(1)


def _new() -> str:
    """An id that no other request has: unique, not secret, and cheaper than asking the kernel each time."""
    return f"{_process}-{next(_numbers):x}"


def follow_requests(app: web.Application) -> None:
    """Give every request of ``app`` its id, and log how it was answered.

    A handler that prepares its response itself sets the header itself.
    """
    app.middlewares.insert(0, _middleware)


@web.middleware
async def _middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[_KEY] = accepted(request.headers.get(HEADER)) or _new()
    token = current.set(request[_KEY])
    begun = time.perf_counter()
    try:
        response = await handler(request)
        if not response.prepared:
            response.headers[HEADER] = request[_KEY]
        level = logging.DEBUG if response.status < 400 and request.path in QUIET else logging.INFO
        if log.isEnabledFor(level):
            spent = (time.perf_counter() - begun) * 1000
            log.log(level, "%s %s: %s in %.1f ms", request.method, request.path, response.status, spent)
        return response
    finally:
        current.reset(token)
