"""``GET /health``: alive, and ready if everything it cannot do without answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

log = logging.getLogger(__name__)

Probe = Callable[[], Awaitable[bool]]

PROBE_TIMEOUT = 1.5


@dataclass
class Health:
    """Named probes. Only the failure of a required one makes the worker not ready."""

    probes: dict[str, Probe] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    stopping: bool = False

    def add(self, name: str, probe: Probe, *, required: bool) -> None:
        """Report ``name`` as ok or away, as ``probe`` says."""
        self.probes[name] = probe
        if required:
            self.required.add(name)

    async def report(self) -> dict[str, Any]:
        """The body of the answer."""
        outcomes = await asyncio.gather(*(_ask(probe) for probe in self.probes.values()))
        states = dict(zip(self.probes, outcomes, strict=True))
        ready = not self.stopping and all(states[name] for name in self.required)
        return {"live": True, "ready": ready, **{name: "ok" if ok else "away" for name, ok in states.items()}}


HEALTH = web.AppKey("HEALTH", Health)


def setup_health(app: web.Application) -> Health:
    """Serve ``GET /health``; the caller adds the probes."""
    health = app[HEALTH] = Health()
    app.router.add_get("/health", _health)
    app.on_shutdown.append(_stopping)
    return health


async def _health(request: web.Request) -> web.Response:
    report = await request.app[HEALTH].report()
    return web.json_response(report, status=200 if report["ready"] else 503)


async def _stopping(app: web.Application) -> None:
    app[HEALTH].stopping = True


async def _ask(probe: Probe) -> bool:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            return await probe()
    except Exception as error:
        log.debug("health probe failed: %s", error)
        return False
