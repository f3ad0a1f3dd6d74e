"""Prometheus metrics: a registry an application, and the handler that prints it."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

REGISTRY = web.AppKey("REGISTRY", CollectorRegistry)


def setup_metrics(app: web.Application) -> CollectorRegistry:
    """Give the application a registry of its own and serve it at ``GET /metrics``."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    app[REGISTRY] = registry
    app.router.add_get("/metrics", _metrics)
    return registry


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(
        body=generate_latest(request.app[REGISTRY]),  # type: ignore[no-untyped-call]
        headers={"Content-Type": CONTENT_TYPE_LATEST},
    )
