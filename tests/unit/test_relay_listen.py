"""``segs listen``: what it prints, and where it connects."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest

from segs.listen import Printer, describe, websocket_url


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws"),
        ("https://grid.example/", "wss://grid.example/ws"),
        ("ws://127.0.0.1:9/other", "ws://127.0.0.1:9/other"),
        ("localhost:8080", "ws://localhost:8080/ws"),
    ],
)
def test_the_url_may_be_the_edge(given: str, expected: str) -> None:
    assert websocket_url(given) == expected


def frame(topic: str, **payload: Any) -> dict[str, Any]:
    return {
        "type": "event",
        "cursor": "c",
        "topic": topic,
        "at": "2026-01-31T12:00:00Z",
        "region": "north",
        "meter_id": None,
        "payload": payload,
    }


def test_events_in_words() -> None:
    price = frame("price.published", price=Decimal("0.1432"), multiplier=Decimal("1.2"), currency="EUR")
    assert describe(price) == "0.1432 EUR/kWh (x1.2)"
    load = frame("load.restated", energy_kwh=Decimal("512.25"), meters=20, revision=2)
    assert describe(load) == "512.25 kWh of 20 meters, revision 2"
    alert = frame(
        "alert.repeated",
        alert_id=7,
        kind="high",
        severity="warning",
        energy_kwh=3,
        threshold_kwh=2,
        occurrences=4,
    )
    assert describe(alert) == "#7 high (warning) 3 kWh limit 2 kWh seen 4 times"
    assert describe(frame("bill.issued", region="north", total=5)) == "total=5"


def test_one_line_an_event_coloured_only_on_request() -> None:
    out = io.StringIO()
    Printer(out, as_json=False, colour=False).show(frame("price.published", price=1), "")
    plain = out.getvalue()
    assert plain.count("\n") == 1
    assert "\x1b" not in plain
    out = io.StringIO()
    Printer(out, as_json=False, colour=True).show(frame("price.published", price=1), "")
    assert "\x1b[35m" in out.getvalue()


def test_json_is_passed_on_as_it_came() -> None:
    out = io.StringIO()
    text = json.dumps(frame("price.published"))
    Printer(out, as_json=True, colour=False).show(json.loads(text), text)
    assert out.getvalue() == text + "\n"
