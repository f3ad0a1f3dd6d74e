"""Every line of the table in docs/reference/api.md is run, as it stands there, against a real platform."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from typing import Any

import pytest

from stack.paths import CHECKOUT
from tests.support.ingest import now, reading
from tests.support.platform import Platform
from tests.support.wait import patient

PAGE = (
    (CHECKOUT / "docs" / "reference" / "api.md")
    .read_text(encoding="utf-8")
    .partition("## From a conventional gateway")[2]
)
SETUP = [line.strip() for line in PAGE.splitlines() if line.startswith("    ")]
LINES: dict[str, str] = dict(
    re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)` \| .+ \| `(curl .+)` \|$", PAGE, re.MULTILINE)
)
CONVENTIONAL = {
    "GET /api/v1/telemetry/my-meter",
    "GET /api/v1/telemetry/history",
    "GET /api/v1/telemetry/stats",
    "GET /api/v1/tariffs/current",
    "GET /api/v1/tariffs/history",
    "GET /api/v1/tariffs/estimate",
    "GET /api/v1/alerts",
    "PATCH /api/v1/alerts/:id/acknowledge",
    "GET /api/v1/alerts/summary",
    "GET /api/v1/operator/users",
    "GET /api/v1/operator/users/region/:region",
    "POST /api/v1/admin/assign-meter",
    "PUT /api/v1/admin/users/:id/role",
    "DELETE /api/v1/admin/users/:id",
}


def test_the_table_is_complete() -> None:
    assert LINES.keys() == CONVENTIONAL


async def test_every_line_does_what_it_says(platform: Platform) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    async with platform.gateway() as gateway:
        await gateway.send(quarter_hours(4, ending=now()))
    platform.close_windows()
    answers = run(platform, list(LINES.values()))
    found = dict(zip(LINES, answers, strict=True))

    assert [row["meter_id"] for row in found["GET /api/v1/telemetry/my-meter"]] == ["SIM-00001"]
    assert sum(row["energy_kwh"] for row in found["GET /api/v1/telemetry/history"]) == 12
    assert found["GET /api/v1/telemetry/stats"]["total_kwh"] <= 12
    assert [row["region"] for row in found["GET /api/v1/tariffs/current"]] == ["north"]
    assert {row["region"] for row in found["GET /api/v1/tariffs/history"]} == {"north"}
    assert found["GET /api/v1/tariffs/estimate"]["amount"] > 0
    # late in a quarter of an hour the windows that are closed include one in which the meter was silent
    (alert,) = [row for row in found["GET /api/v1/alerts"] if row["kind"] == "high"]
    assert (alert["meter_id"], alert["status"]) == ("SIM-00001", "active")
    acknowledged = found["PATCH /api/v1/alerts/:id/acknowledge"]
    assert (acknowledged["alert_id"], acknowledged["status"]) == (alert["alert_id"], "acknowledged")
    assert found["GET /api/v1/alerts/summary"]["acknowledged"] == 1
    people = {row["email"]: row for row in found["GET /api/v1/operator/users"]}
    assert {"alice@demo.example", "bob@demo.example"} <= people.keys()
    assert "alice@demo.example" in {
        row["email"] for row in found["GET /api/v1/operator/users/region/:region"]
    }
    assert found["POST /api/v1/admin/assign-meter"]["meter_id"] == "SIM-00003"
    changed = found["PUT /api/v1/admin/users/:id/role"]
    assert (changed["user_id"], changed["role"]) == (people["bob@demo.example"]["user_id"], "operator")
    assert found["DELETE /api/v1/admin/users/:id"] is None
    left = platform.rest("admin").get("/users", email="eq.bob@demo.example").json()
    assert left == []


def quarter_hours(count: int, ending: datetime) -> list[dict[str, Any]]:
    """3 kWh a quarter of an hour at SIM-00001, which is high."""
    start = ending.replace(minute=ending.minute // 15 * 15, second=0, microsecond=0)
    return [reading(1, start - (number + 1) * timedelta(minutes=15), 3) for number in range(count)]


def run(platform: Platform, lines: list[str]) -> list[Any]:
    """Run the lines in one bash after those that set it up; each one's answer. The first failure ends it."""
    known = {role: platform.keys.mint(role) for role in ("consumer", "operator", "admin")}
    tokens = "\n".join(f"{role}) echo {token};;" for role, token in known.items())
    script = [
        "set -euo pipefail",
        f"segs() {{ case $3 in\n{tokens}\nesac; }}",
        'curl() { command curl -sS --fail-with-body "$@"; }',
        *(line if not line.startswith("SEGS=") else f"SEGS={platform.url}" for line in SETUP),
    ]
    for line in lines:
        script += [f"{line} || {{ echo; echo failed: {json.dumps(line)}; exit 1; }}", "printf '\\0'"]
    result = subprocess.run(
        ["bash", "-c", "\n".join(script)], capture_output=True, text=True, check=False, timeout=patient(60)
    )
    assert result.returncode == 0, result.stdout[-1500:] + result.stderr[-1500:]
    return [json.loads(text) if text.strip() else None for text in result.stdout.split("\0")[:-1]]
