"""Who may hear what (scope), and what of that they asked for (interest)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workers.relay.events import Event

TOPICS = frozenset(
    {
        "load.closed",
        "load.restated",
        "price.published",
        "alert.raised",
        "alert.repeated",
        "alert.corrected",
        "alert.acknowledged",
        "alert.resolved",
    }
)
"""Every topic there is; a subscription names one of these or its first part ("alert")."""

TOPIC_FAMILIES = frozenset(topic.partition(".")[0] for topic in TOPICS)


@dataclass(frozen=True, slots=True)
class Ownership:
    """One period in which a user owned a meter, or any in a region; ``ends`` is exclusive, None for ever."""

    key: int
    starts: datetime
    ends: datetime | None

    def covers(self, begins: datetime, ends: datetime) -> bool:
        """True if all the time from ``begins`` to ``ends`` lies in it.

        A window in which a meter changed hands belongs to neither: its energy would tell of the other's use.
        """
        return self.starts <= begins and (self.ends is None or ends <= self.ends)

    def holds(self, at: datetime) -> bool:
        """True if the instant lies in it."""
        return self.starts <= at and (self.ends is None or at < self.ends)


@dataclass(frozen=True, slots=True)
class Scope:
    """The most a user may hear. ``owned`` and ``regions`` are None for those who see their whole tenant."""

    tenant_id: int
    role: str
    owned: frozenset[Ownership] | None = None
    regions: frozenset[Ownership] | None = None
    meter_codes: frozenset[tuple[str, int]] = frozenset()

    @property
    def whole_tenant(self) -> bool:
        """True for those who hear everything of their tenant."""
        return self.role in ("operator", "admin")

    def allows(self, event: Event) -> bool:
        """True if the user may hear of ``event``: the rule of ``event.visible_event`` (a test compares both).

        A consumer: of alerts of a meter that was theirs in all the time an alert tells of, and of the prices
        of windows at whose start they owned a meter in the region. Not what they own by now.
        """
        if event.tenant_id != self.tenant_id:
            return False
        if self.whole_tenant:
            return True
        if event.topic.startswith("alert."):
            return any(
                own.key == event.meter_id and own.covers(event.begins, event.ends) for own in self.owned or ()
            )
        if event.topic.startswith("price."):
            return any(own.key == event.region_id and own.holds(event.begins) for own in self.regions or ())
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
        owned=frozenset(_ownerships(meters, "meter_id")),
        regions=frozenset(_ownerships(row["regions"] or [], "region_id")),
        meter_codes=frozenset((m["code"], m["meter_id"]) for m in meters),
    )


def _ownerships(periods: Iterable[Mapping[str, Any]], key: str) -> Iterable[Ownership]:
    for period in periods:
        begins, ends = period.get("from"), period.get("to")
        yield Ownership(
            key=period[key],
            starts=_instant("-infinity" if begins is None else begins),
            ends=None if ends is None else _instant(ends),
        )


def _instant(text: str) -> datetime:
    """A timestamp as jsonb has it; those beyond what Python can hold become the first or last it can."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        past = text.startswith("-") or text.endswith("BC")
        return datetime(1, 1, 1, tzinfo=UTC) if past else datetime(9999, 12, 31, tzinfo=UTC)
