"""Takes mails from the queue and sees each to its end: delivered, tried again, or given up."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from workers.lib import db
from workers.notifier import queries
from workers.notifier.delivery import Delivery, RefusedError, TryLaterError
from workers.notifier.letters import LETTERS, UnusableMessageError, compose
from workers.notifier.queries import Taken
from workers.notifier.settings import NotifierSettings

log = logging.getLogger(__name__)

HOLD_SECONDS = 150
"""Longer than a delivery can take, so that no other notifier takes the same mail meanwhile."""
AT_ONCE = 4
LONGEST_DELAY = 600.0
REMEMBERED = 10_000
COUNT_INTERVAL = 15.0


class NotifierMetrics:
    """Mails by outcome, and how many wait."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.mails = Counter(
            "segs_notifier_mails", "Mails by kind and outcome.", ["kind", "outcome"], registry=registry
        )
        self.waiting = Gauge("segs_notifier_waiting", "Mails on the queue.", registry=registry)
        self.dead = Gauge("segs_notifier_dead", "Mails given up.", registry=registry)

    def count(self, kind: object, outcome: str) -> None:
        """One more; kinds that there are no letters for share one label."""
        self.mails.labels(kind if kind in LETTERS else "other", outcome).inc()


class Postman:
    """At least once: a mail is sent twice, with one Message-ID, if we die between sending and noting it."""

    def __init__(
        self, settings: NotifierSettings, pool: db.Pool, delivery: Delivery, metrics: NotifierMetrics
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._delivery = delivery
        self._metrics = metrics
        self._lane = asyncio.Semaphore(AT_ONCE)
        # Delivered but perhaps not noted, because the database went away in between: not to be sent again.
        self._delivered: OrderedDict[int, None] = OrderedDict()
        self.delivering = True

    async def run(self) -> None:
        """Work until cancelled."""
        backoff = db.Backoff(0.5, 15.0)
        while True:
            try:
                found = await self.round()
                backoff.reset()
            except Exception as error:
                if not db.is_transient(error):
                    log.exception("the queue could not be worked on")
                else:
                    log.info("the database is away: %s", type(error).__name__)
                await asyncio.sleep(backoff.next())
                continue
            if not found:
                await asyncio.sleep(self._settings.notifier_poll_interval)

    async def count(self) -> None:
        """Keep the gauges as the queue is."""
        while True:
            try:
                waiting, dead = await queries.waiting(self._pool)
                self._metrics.waiting.set(waiting)
                self._metrics.dead.set(dead)
            except Exception as error:
                log.debug("the queue was not counted: %s", error)
            await asyncio.sleep(COUNT_INTERVAL)

    async def round(self) -> int:
        """Take what waits and see to it; how many there were."""
        taken = await queries.take(self._pool, self._settings.notifier_batch, HOLD_SECONDS)
        outcomes = await asyncio.gather(*(self._see_to(mail) for mail in taken), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(taken)

    async def _see_to(self, taken: Taken) -> None:
        async with self._lane:
            kind = taken.message.get("kind") if isinstance(taken.message, Mapping) else None
            try:
                await self._deliver(taken)
            except (UnusableMessageError, RefusedError) as error:
                await self._give_up(taken, kind, str(error))
            except TryLaterError as error:
                self.delivering = False
                if taken.attempt >= self._settings.notifier_max_attempts:
                    await self._give_up(taken, kind, f"given up after {taken.attempt} attempts: {error}")
                    return
                delay = retry_delay(self._settings.notifier_retry_seconds, taken.attempt)
                log.warning("mail %d not delivered, again in %d s: %s", taken.msg_id, delay, error)
                self._metrics.count(kind, "retried")
                await queries.retry(self._pool, taken.msg_id, delay)
            else:
                self._metrics.count(kind, "delivered")
                await queries.done(self._pool, taken.msg_id)

    async def _deliver(self, taken: Taken) -> None:
        if taken.msg_id in self._delivered:
            return
        message = taken.message
        if not isinstance(message, Mapping):
            raise UnusableMessageError("the message is not an object")
        now = datetime.now(UTC)
        if _expired(message.get("expires_at"), now):
            raise UnusableMessageError("expired before it could be delivered")
        sender = self._settings.sender
        message_id = f"<{taken.msg_id}.{message.get('user_id')}@{sender.domain}>"
        mail = compose(message, message_id, sender, now)
        await self._delivery.deliver(mail, f"{taken.msg_id:08d}-{message['kind']}")
        self.delivering = True
        log.info("mail %d (%s) delivered", taken.msg_id, message["kind"])
        self._delivered[taken.msg_id] = None
        if len(self._delivered) > REMEMBERED:
            self._delivered.popitem(last=False)

    async def _give_up(self, taken: Taken, kind: object, reason: str) -> None:
        log.warning("mail %d given up: %s", taken.msg_id, reason)
        self._metrics.count(kind, "dead")
        await queries.bury(self._pool, taken.msg_id, reason)


def retry_delay(base: float, attempt: int) -> int:
    """Whole seconds before the next attempt."""
    return max(1, round(min(base * 2.0 ** min(attempt - 1, 20), LONGEST_DELAY)))


def _expired(expires_at: object, now: datetime) -> bool:
    try:
        return expires_at is not None and datetime.fromisoformat(str(expires_at)) <= now
    except (ValueError, TypeError):
        return False
