"""The notifier as an aiohttp application: it serves only its health and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from workers.lib import db
from workers.lib.errors import error_middleware
from workers.lib.health import HEALTH, setup_health
from workers.lib.metrics import setup_metrics
from workers.lib.service import serve
from workers.notifier.delivery import way_out
from workers.notifier.postman import NotifierMetrics, Postman
from workers.notifier.settings import NotifierSettings

log = logging.getLogger(__name__)

SETTINGS = web.AppKey("SETTINGS", NotifierSettings)
METRICS = web.AppKey("METRICS", NotifierMetrics)


def make_app(settings: NotifierSettings) -> web.Application:
    """The application; the queue is worked on while it runs."""
    app = web.Application(middlewares=[error_middleware])
    app[SETTINGS] = settings
    app[METRICS] = NotifierMetrics(setup_metrics(app))
    setup_health(app)
    app.cleanup_ctx.append(_duties)
    return app


async def run(settings: NotifierSettings) -> None:
    """Work until told to stop."""
    where = settings.notifier_mail_dir or f"{settings.notifier_smtp_host}:{settings.notifier_smtp_port}"
    log.info("mails go to %s", where)
    await serve(make_app(settings), settings.notifier_host, settings.notifier_port)


async def _duties(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    url = settings.notifier_database_url.get_secret_value()
    async with db.pool(url, "segs notifier", size=4) as pool:
        postman = Postman(settings, pool, way_out(settings), app[METRICS])

        async def database() -> bool:
            async with pool.connection(timeout=1.0) as connection:
                await connection.execute("select 1")
            return True

        async def mail() -> bool:
            return postman.delivering

        app[HEALTH].add("postgresql", database, required=True)
        app[HEALTH].add("mail", mail, required=False)
        tasks = [asyncio.create_task(duty) for duty in (postman.run(), postman.count())]
        yield
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
