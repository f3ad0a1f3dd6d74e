"""The ingest worker's HTTP application."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import Protocol, TypeVar

import orjson
from aiohttp import web

from workers.ingest import statements
from workers.ingest.body import Batch, read_batch, read_body
from workers.ingest.devices import Device, Devices
from workers.ingest.meters import MeterDirectory, Tenants
from workers.ingest.metrics import IngestMetrics
from workers.ingest.plan import Job, Outcome
from workers.ingest.rate import DailyQuota, RateLimiter
from workers.ingest.readings import (
    Limits,
    Screened,
    meter_codes,
    screen,
    well_formed,
)
from workers.ingest.recent import RecentTimes
from workers.ingest.rows import as_rows
from workers.ingest.settings import IngestSettings
from workers.ingest.statements import QuarantineRow
from workers.ingest.writer import Writer, WriterOptions
from workers.lib import db, request_id
from workers.lib.checkup import CHECKUP, Checkup, parse_disks
from workers.lib.errors import RateLimited, ServiceError, Unavailable, error_middleware
from workers.lib.health import HEALTH, setup_health
from workers.lib.metrics import setup_metrics
from workers.lib.platform_health import serve_platform_health
from workers.lib.service import serve
from workers.lib.tokens import TokenVerifier, bearer_token

log = logging.getLogger(__name__)

LIMITS_REFRESH = 30.0
LIMITS_RETRY = 0.5

T = TypeVar("T")


class Run(Protocol):
    """Does a piece of work, here or aside."""

    async def __call__(self, work: Callable[[], T], /) -> T: ...


BEAT_INTERVAL = 5.0


class Ingest:
    """What the handler of ``POST /telemetry/batch`` works with."""

    def __init__(self, settings: IngestSettings, metrics: IngestMetrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.tokens = TokenVerifier(
            settings.jwks_file, issuer=settings.jwt_issuer, audience=settings.jwt_audience
        )
        self.rates = RateLimiter(settings.ingest_rate_limit, settings.ingest_rate_burst)
        self.reading_rates = RateLimiter(settings.ingest_reading_rate, settings.ingest_reading_burst)
        self.quota = DailyQuota(settings.ingest_daily_readings)
        self.limits: Limits | None = None
        self.aside = ThreadPoolExecutor(1, "large-body")
        self.pool: db.Pool
        self.devices: Devices
        self.tenants: Tenants
        self.writer: Writer

    async def handle(self, request: web.Request) -> web.Response:
        """``POST /telemetry/batch``: counts what it answers."""
        try:
            response = await self._accept(request)
        except ServiceError as error:
            self.metrics.request(error.status)
            raise
        except Exception:
            self.metrics.request(500)
            raise
        self.metrics.request(200)
        return response

    async def _accept(self, request: web.Request) -> web.Response:
        device = await self._admit(request)
        max_bytes, max_readings = self.settings.ingest_max_body_bytes, self.settings.ingest_max_readings
        body = await read_body(request, max_bytes=max_bytes)
        run = self._aside if body.large else _here
        batch = await run(lambda: read_batch(body, max_bytes=max_bytes, max_readings=max_readings))
        who = (device.tenant, device.subject)
        if delay := self.reading_rates.delay(who, len(batch)):
            raise RateLimited("too many readings from this device", retry_after=delay)
        directory = await self.tenants.directory(device.tenant)
        screened = await self._screen(batch, directory, device, run)
        kept = await run(lambda: _kept(directory.tenant_id, screened, device.end))
        job = _job(directory.tenant_id, screened, kept, self._words, device.end)
        outcome = Outcome()
        if wait := self.quota.wait(who, None if device.meters is None else len(device.meters)):
            outcome = await self._of_before(job, wait)
        elif job.size:
            self.writer.submit(job)
            outcome = await job.done
        else:
            self.metrics.rejected(job.rejected)
        self.quota.charge(who, job.count - outcome.duplicates + len(job.quarantine))
        return _answer(job, outcome, screened)

    async def _admit(self, request: web.Request) -> Device:
        """Who is asking, if it may and if we can: all that needs no body."""
        device = await self.devices.device(bearer_token(request))
        if delay := self.rates.delay((device.tenant, device.subject)):
            raise RateLimited("too many requests from this device", retry_after=delay)
        self.writer.check()
        return device

    async def _screen(self, batch: Batch, directory: MeterDirectory, device: Device, run: Run) -> Screened:
        if (limits := self.limits) is None:
            raise Unavailable("the limits are not loaded yet")
        readings = await run(batch.readings)
        codes = meter_codes(readings)
        meters = directory.known()
        if not all(map(meters.__contains__, codes)):
            meters = await directory.resolve(well_formed(codes))
        if device.meters is not None:
            # A meter that is not the device's is no meter to it, in the same words as one that is nobody's.
            meters = {code: meters[code] for code in device.meters.intersection(codes) if code in meters}
        return await run(
            lambda: screen(lambda: batch.items, readings, meters, limits, time.time(), device.end)
        )

    @property
    def _words(self) -> Mapping[str, str]:
        return self.limits.messages if self.limits else {}

    async def _of_before(self, job: Job, wait: float) -> Outcome:
        """A device whose readings of the day are used up is answered for what is stored, for nothing else."""
        rows = as_rows([job.packed])
        async with self.pool.connection() as connection:
            energies = await statements.stored_energies(connection, rows)
        if not job.count or (energies != rows["energy"]).any():
            raise RateLimited("the readings of this device for today are used up", retry_after=wait)
        return Outcome(duplicates=job.count)

    async def _aside(self, work: Callable[[], T]) -> T:
        """Large bodies one at a time, outside the event loop: it goes on serving others."""
        return await asyncio.get_running_loop().run_in_executor(self.aside, work)

    async def watch_limits(self, pool: db.Pool) -> None:
        """Keep ``limits`` as ingest.limits says."""
        while True:
            try:
                async with pool.connection() as connection:
                    limits = await statements.limits(connection)
                if limits != self.limits:
                    log.info("limits: %s", limits)
                self.limits = limits
                self.writer.spacing = limits.spacing
            except Exception as error:
                log.debug("limits not loaded: %s", error)
            await asyncio.sleep(LIMITS_RETRY if self.limits is None else LIMITS_REFRESH)

    async def keep_beating(self, pool: db.Pool) -> None:
        """Say every few seconds that readings can be received: meters are not missed where they could not."""
        while True:
            try:
                async with pool.connection() as connection:
                    await statements.beat(connection)
            except Exception as error:
                log.debug("not said to be there: %s", error)
            await asyncio.sleep(BEAT_INTERVAL)


SETTINGS = web.AppKey("SETTINGS", IngestSettings)
INGEST = web.AppKey("INGEST", Ingest)


def make_app(settings: IngestSettings) -> web.Application:
    """The application: routes, metrics, health; resources are acquired when it starts."""
    app = web.Application(middlewares=[error_middleware], client_max_size=settings.ingest_max_body_bytes)
    request_id.follow_requests(app)
    registry = setup_metrics(app)
    setup_health(app)
    serve_platform_health(app, settings.ingest_health_peers)
    app[SETTINGS] = settings
    app[CHECKUP] = Checkup(parse_disks(settings.ingest_disks), registry)
    ingest = app[INGEST] = Ingest(settings, IngestMetrics(registry))
    app.router.add_post("/telemetry/batch", ingest.handle)
    app.cleanup_ctx.append(_resources)
    return app


async def run(settings: IngestSettings) -> None:
    """Serve until told to stop."""
    await serve(
        make_app(settings),
        settings.ingest_host,
        settings.ingest_port,
        reuse_port=settings.ingest_reuse_port,
        shutdown_timeout=settings.ingest_shutdown_timeout,
    )


async def _resources(app: web.Application) -> AsyncIterator[None]:
    """Redis, the look-up pool, the writer and the watch on the limits."""
    settings, ingest = app[SETTINGS], app[INGEST]
    url = settings.ingest_database_url.get_secret_value()
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    recent = RecentTimes(redis_url, timeout=settings.ingest_redis_timeout)
    options = WriterOptions(
        lanes=settings.ingest_writers,
        write_rows=settings.ingest_write_rows,
        queue_rows=settings.ingest_queue_rows,
        timeout=settings.ingest_write_timeout,
        interval=settings.ingest_write_interval,
    )
    async with db.pool(url, "segs-ingest", size=2) as pool:
        ingest.pool = pool
        ingest.writer = Writer(url, recent, options, ingest.metrics)
        ingest.devices = Devices(pool, ingest.tokens, ttl=settings.ingest_device_ttl)
        ingest.tenants = Tenants(
            pool, ttl=settings.ingest_meter_ttl, unknown_ttl=settings.ingest_unknown_meter_ttl
        )
        ingest.writer.start()
        duties = (
            ingest.watch_limits(pool),
            ingest.keep_beating(pool),
            app[CHECKUP].watch(pool),
            recent.keep_telling(),
            recent.keep_listening(),
        )
        tasks = [asyncio.create_task(duty) for duty in duties]
        _observe(app, pool, recent)
        yield
        await ingest.writer.stop()
        for task in tasks:
            task.cancel()
        await recent.close()
        ingest.aside.shutdown(wait=False, cancel_futures=True)


def _observe(app: web.Application, pool: db.Pool, recent: RecentTimes) -> None:
    ingest = app[INGEST]

    async def database() -> bool:
        async with pool.connection(timeout=1.0) as connection:
            await connection.execute("select 1")
        return ingest.writer.connected and ingest.limits is not None

    app[HEALTH].add("postgresql", database, required=True)
    app[HEALTH].add("redis", recent.ping, required=False)
    ingest.metrics.gauge(
        "segs_ingest_waiting_rows", "Rows waiting to be written.", lambda: ingest.writer.waiting_rows
    )
    ingest.metrics.gauge(
        "segs_ingest_known_meters", "Meters whose newest stored reading is known.", lambda: recent.known
    )


async def _here(work: Callable[[], T]) -> T:
    """A small body is read at once."""
    return work()


def _kept(tenant_id: int, screened: Screened, end: bool | None) -> list[QuarantineRow]:
    return [
        QuarantineRow(tenant_id, item.code, item.message, json.dumps(item.reading), end)
        for item in screened.rejections
        if item.reading is not None
    ]


def _job(
    tenant_id: int, screened: Screened, kept: list[QuarantineRow], words: Mapping[str, str], end: bool | None
) -> Job:
    return Job(
        tenant_id=tenant_id,
        count=screened.count,
        packed=screened.packed,
        rejected=len(screened.rejections),
        quarantine=kept,
        done=asyncio.get_running_loop().create_future(),
        sent=screened.accepted_as_sent,
        words=words,
        end=end,
        request_id=request_id.current.get(),
    )


def _answer(job: Job, outcome: Outcome, screened: Screened) -> web.Response:
    rejected = [
        {"index": item.index, "code": item.code, "message": item.message} for item in screened.rejections
    ]
    if outcome.refused:
        rejected += [
            {"index": screened.index(place), "code": code, "message": job.words[code]}
            for place, code in outcome.refused
        ]
        rejected.sort(key=itemgetter("index"))
    accepted = job.count - outcome.duplicates - len(outcome.refused)
    body = orjson.dumps({"accepted": accepted, "duplicates": outcome.duplicates, "rejected": rejected})
    return web.Response(body=body, content_type="application/json")
