"""What the grid is doing, read from the database for the status screen of ``segs up``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

RATE_SECONDS = 10
MAX_EVENTS = 2000

_RATES = """
select
    coalesce(sum(accepted), 0)::bigint as accepted,
    coalesce(sum(duplicates), 0)::bigint as duplicates,
    coalesce(sum(rejected), 0)::bigint as rejected,
    max(last_ts) as newest
from ingest.batch
where received_at > now() - make_interval(secs => %s)
"""

_REGIONS = """
select r.code as region, l.window_start, l.energy * 0.000001 as energy_kwh, l.meters, p.price, p.multiplier
from grid.region as r
join grid.tenant as t using (tenant_id)
left join lateral (
    select * from grid.region_load as l
    where l.region_id = r.region_id order by l.window_start desc, l.revision desc limit 1
) as l on true
left join lateral (
    select * from tariff.price as p where p.region_id = r.region_id order by p.window_start desc limit 1
) as p on true
order by t.tenant_id, r.region_id
limit 12
"""

_ALERTS = """
select a.kind, a.severity, count(*) as open, max(a.raised_at) as newest
from alert.alert as a
where a.status <> 'resolved'
group by a.kind, a.severity
order by count(*) desc
"""

_WINDOWS = "select count(distinct (tenant_id, window_start)) as windows from grid.region_load"


@dataclass(frozen=True)
class Snapshot:
    """The grid at one moment, and what happened since the last one."""

    rates: dict[str, Any]
    regions: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    windows: int
    lines: list[str] = field(default_factory=list)


class Feed:
    """Reads snapshots; follows the event log from the moment it was made."""

    def __init__(self, admin_url: str) -> None:
        self._url = admin_url
        self._connection: psycopg.Connection[dict[str, Any]] | None = None
        self._position: tuple[str, int] | None = None
        self._epoch = 0

    def poll(self) -> Snapshot:
        """A snapshot. Raises ``psycopg.Error`` when the database is away; the next call connects again."""
        try:
            connection = self._connect()
            rates = connection.execute(_RATES, (RATE_SECONDS,)).fetchone() or {}
            counted = connection.execute(_WINDOWS).fetchone() or {"windows": 0}
            return Snapshot(
                rates=rates,
                regions=connection.execute(_REGIONS).fetchall(),
                alerts=connection.execute(_ALERTS).fetchall(),
                windows=counted["windows"],
                lines=describe(self._events(connection)),
            )
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[dict[str, Any]]:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url,
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=2,
                application_name="segs up",
            )
            self._connection.execute("set statement_timeout = '5s'")
        return self._connection

    def _events(self, connection: psycopg.Connection[dict[str, Any]]) -> list[dict[str, Any]]:
        now = connection.execute("select epoch, xid::text, id from event.position()").fetchone()
        assert now is not None
        if self._position is None or now["epoch"] != self._epoch:
            self._position, self._epoch = (now["xid"], now["id"]), now["epoch"]
        events = connection.execute(
            "select xid::text, id, topic, payload from event.read_after(%s::xid8, %s, %s)",
            (*self._position, MAX_EVENTS),
        ).fetchall()
        if events:
            self._position = (events[-1]["xid"], events[-1]["id"])
        return events


def describe(events: list[dict[str, Any]]) -> list[str]:
    """One line a window, one a round of prices, one an alert."""
    lines: list[str] = []
    grouped: dict[tuple[str, str], list[str]] = {}

    def flush() -> None:
        for (topic, start), parts in grouped.items():
            lines.append(f"{_TITLES[topic]} {clock(start)}  " + "  ".join(parts))
        grouped.clear()

    for event in events:
        topic, payload = event["topic"], event["payload"]
        if topic in _TITLES:
            if any(known[0] == topic and known[1] != payload["window_start"] for known in grouped):
                flush()
            grouped.setdefault((topic, payload["window_start"]), []).append(_part(topic, payload))
        elif topic not in ("alert.repeated", "alert.corrected"):  # counted, and shown among the open alerts
            flush()
            lines.append(_alert_line(topic, payload))
    flush()
    return lines


_TITLES = {
    "load.closed": "window closed",
    "load.restated": "window restated",
    "price.published": "prices for",
}


def _part(topic: str, payload: dict[str, Any]) -> str:
    if topic == "price.published":
        return f"{payload['region']} {Decimal(str(payload['price'])):.4f}"
    return f"{payload['region']} {Decimal(str(payload['energy_kwh'])):.2f} kWh"


def _alert_line(topic: str, payload: dict[str, Any]) -> str:
    energy = payload.get("energy_kwh")
    value = "" if energy is None else f" ({energy} kWh)"
    return (
        f"{topic} {payload['severity']} {payload['kind']}:"
        f" meter {payload['meter_id']} in {payload['region']}{value}"
    )


def clock(moment: str | datetime | None) -> str:
    """A moment in local time, short."""
    if moment is None:
        return "-"
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return at.astimezone().strftime("%d %b %H:%M")
