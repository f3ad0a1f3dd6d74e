"""Who may hear what (scope), and what of that they asked for (interest)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from workers.relay.events import Event

TOPICS = frozenset(
    {
        "load.closed",
        "load.restated",
        "price.published",
        "alert.raised",
        "alert.repeated",
        "alert.acknowledged",
        "alert.resolved",
    }
)
"""Every topic there is; a subscription names one of these or its first part ("alert")."""

WINDOW = timedelta(minutes=15)
"""What an alert is raised at the end of."""

TOPIC_FAMILIES = frozenset(topic.partition(".")[0] for topic in TOPICS)


@dataclass(frozen=True, slots=True)
class Ownership:
    """One period in which a user owned a meter; ``ends`` is exclusive, None while it lasts."""

    meter_id: int
    starts: datetime
    ends: datetime | None

    def covers(self, first: datetime, last: datetime) -> bool:
        """True if the meter was the user's in all of the windows that end from ``first`` to ``last``.

        One that it changed hands in belongs to neither: its energy would tell of the other's use.
        """
        return first - self.starts >= WINDOW and (self.ends is None or last <= self.ends)


@dataclass(frozen=True, slots=True)
class Scope:
    """The most a user may hear. ``owned`` and ``regions`` are None for those who see their whole tenant."""

    tenant_id: int
    role: str
    owned: frozenset[Ownership] | None = None
    regions: frozenset[int] | None = None
    meter_codes: frozenset[tuple[str, int]] = frozenset()

    @property
    def whole_tenant(self) -> bool:
        """True for those who hear everything of their tenant."""
        return self.role in ("operator", "admin")

    def allows(self, event: Event) -> bool:
        """True if the user may hear of ``event``; a consumer: alerts on own meters, own regions' prices."""
        if event.tenant_id != self.tenant_id:
            return False
        if self.whole_tenant:
            return True
        if event.topic.startswith("alert."):
            return any(
                o.meter_id == event.meter_id and o.covers(event.about, event.about_until)
                for o in self.owned or ()
            )
        if event.topic.startswith("price."):
            return event.region_id in (self.regions or ())
        return False


@dataclass(frozen=True, slots=True)
class Interest:
    """What a client asked for. Empty sets mean "all"; regions and meters together mean "any of these"."""

    topics: frozenset[str] = frozenset()
    regions: frozenset[int] = frozenset()
    meters: frozenset[int] = frozenset()

    def wants(self, event: Event) -> bool:
        """True if the client asked for events like this one."""
        if (
            self.topics
            and event.topic not in self.topics
            and event.topic.partition(".")[0] not in self.topics
        ):
            return False
        if not self.regions and not self.meters:
            return True
        return event.region_id in self.regions or event.meter_id in self.meters


@dataclass(frozen=True, slots=True)
class Filter:
    """Scope and interest together; equal filters are evaluated once for all clients that have them."""

    scope: Scope
    interest: Interest

    def matches(self, event: Event) -> bool:
        """True if the event is to be sent."""
        return self.scope.allows(event) and self.interest.wants(event)


def scope_from_row(row: Mapping[str, Any], token_role: str) -> Scope:
    """The scope of an account, no wider than the role in the token it came with.

    An operator may hold a consumer's token (then only what is personally theirs counts, which for an operator
    is nothing); a consumer's account with a left-over operator token stays a consumer.
    """
    role = "consumer" if "consumer" in (token_role, row["role"]) else str(row["role"])
    if role != "consumer":
        return Scope(tenant_id=row["tenant_id"], role=role)
    meters = row["meters"] or []
    return Scope(
        tenant_id=row["tenant_id"],
        role=role,
        owned=frozenset(_ownerships(meters)),
        regions=frozenset(row["regions"] or []),
        meter_codes=frozenset((m["code"], m["meter_id"]) for m in meters),
    )


def _ownerships(meters: Iterable[Mapping[str, Any]]) -> Iterable[Ownership]:
    for meter in meters:
        ends = meter.get("to")
        yield Ownership(
            meter_id=meter["meter_id"],
            starts=_instant(meter["from"]),
            ends=None if ends is None else _instant(ends),
        )


def _instant(text: str) -> datetime:
    """A timestamp as jsonb has it; those beyond what Python can hold become the first or last it can."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        past = text.startswith("-") or text.endswith("BC")
        return datetime(1, 1, 1, tzinfo=UTC) if past else datetime(9999, 12, 31, tzinfo=UTC)
