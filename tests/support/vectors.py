"""The vectors of tests/vectors: one truth for Python and SQL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


@dataclass(frozen=True)
class ReadingCase:
    """A reading as JSON text, and what is to become of it."""

    name: str
    text: str
    stamped: str | None
    """How its device stamps readings."""
    jsonb: bool
    """Whether jsonb can hold it."""
    expected: dict[str, Any]
    """``code`` and ``message``, or what is stored: ``ts``, ``mwh``, ``voltage``, ``current``."""


@dataclass(frozen=True)
class Readings:
    """readings.json."""

    at: datetime
    interval: timedelta
    """Of every meter."""
    meters: list[dict[str, Any]]
    """As they are registered, and what a reading of theirs may be (mWh)."""
    cases: list[ReadingCase]


def readings() -> Readings:
    """What is a valid reading, and what each other one is refused for."""
    file = json.loads((VECTORS / "readings.json").read_text(encoding="utf-8"))
    return Readings(
        datetime.fromisoformat(file["at"]),
        timedelta(seconds=file["interval_seconds"]),
        file["meters"],
        [_case(file["reading"], dict(case)) for case in file["cases"]],
    )


def _case(base: dict[str, str], case: dict[str, Any]) -> ReadingCase:
    name, jsonb, stamped = case.pop("name"), case.pop("jsonb", True), case.pop("stamped", None)
    fields = {**base, **case.pop("given", {})}
    whole = ", ".join(f"{json.dumps(key)}: {value}" for key, value in fields.items() if value is not None)
    text = case.pop("item", "{" + whole + "}")
    if "code" in case:
        return ReadingCase(name, text, stamped, jsonb, case)
    ts = datetime.fromisoformat(case["ts"])
    return ReadingCase(name, text, stamped, jsonb, {"voltage": None, "current": None, **case, "ts": ts})
