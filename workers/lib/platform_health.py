"""``GET /health/platform``: how this worker and its peers are, for the edge's ``/health``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from workers.lib.checkup import CHECKUP
from workers.lib.health import HEALTH, PROBE_TIMEOUT

log = logging.getLogger(__name__)

PATH = "/health/platform"
_SESSION = web.AppKey("PLATFORM_HEALTH_SESSION", aiohttp.ClientSession)
_PEERS = web.AppKey("PLATFORM_HEALTH_PEERS", Mapping[str, str])


def parse_peers(text: str) -> dict[str, str]:
    """``name=url`` pairs, separated by blanks. Raises ValueError for anything else."""
    peers = {}
    for word in text.split():
        name, equals, url = word.partition("=")
        if not (name and equals and url.startswith("http://")):
            raise ValueError(f"{word!r} is not NAME=http://HOST:PORT/PATH")
        peers[name] = url
    return peers


def serve_platform_health(app: web.Application, peers: str) -> None:
    """Serve :data:`PATH`; call after ``setup_health``. Without peers, it tells of this worker alone."""
    app[_PEERS] = parse_peers(peers)
    app.cleanup_ctx.append(_session)
    app.router.add_get(PATH, _platform)


async def _session(app: web.Application) -> AsyncIterator[None]:
    timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT + 0.5)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        app[_SESSION] = session
        yield


async def _platform(request: web.Request) -> web.Response:
    peers = request.app[_PEERS]
    own, *answers = await asyncio.gather(
        request.app[HEALTH].report(), *(_answers(request.app[_SESSION], url) for url in peers.values())
    )
    checkup = request.app.get(CHECKUP)
    found = checkup.states if checkup is not None else None
    return platform_answer(own, dict(zip(peers, answers, strict=True)), found)


def platform_answer(
    own: Mapping[str, Any], peers: Mapping[str, bool], findings: Mapping[str, str] | None = None
) -> web.Response:
    """Ready when this worker and every peer are, and nothing found has failed."""
    parts = {"ingest": own["ready"], **peers}
    found = findings or {}
    report = {**own, "ready": all(parts.values()) and "fail" not in found.values()}
    report |= {name: "ok" if ok else "away" for name, ok in parts.items()}
    report |= found
    return web.json_response(report, status=200 if report["ready"] else 503)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status < 300
    except (aiohttp.ClientError, TimeoutError) as error:
        log.debug("%s does not answer: %s", url, error)
        return False
