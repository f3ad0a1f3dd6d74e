"""docs/reference/errors.md names every code that our code can answer with, with its status, and no other."""

from __future__ import annotations

import re

from stack.paths import CHECKOUT
from tests.support import codes

PAGE = (CHECKOUT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \|(?: ([0-9, ]+) \|)? .+ \| .+ \|$", re.MULTILINE)


def rows(section: str = "") -> set[codes.Found]:
    """Codes and statuses of the tables below a heading that begins so (of all, without)."""
    sections = [text for text in re.split(r"^## ", PAGE, flags=re.MULTILINE) if text.startswith(section)]
    found: set[codes.Found] = set()
    for names, statuses in ROW.findall("\n".join(sections)):
        for name in re.findall(r"`(\w+)`", names):
            found |= {(name, int(status)) for status in statuses.split(", ") if status} or {(name, None)}
    return found


def test_every_code_of_a_worker_is_there_with_its_status() -> None:
    listed = rows("Any worker") | rows("Accounts") | rows("Readings") | rows("Live events")
    assert codes.of_workers() - listed == set()
    with_status = {row for row in listed if row[1] is not None}
    assert with_status - codes.of_workers() == {("unprocessable", 422)}, "its class is only subclassed"


def test_every_code_of_a_frame_and_of_a_reading_is_there() -> None:
    assert {code for code, status in rows("Live events") if status is None} == codes.of_frames()
    assert {code for code, status in rows("Readings") if status is None} == codes.of_readings()


def test_every_code_of_the_database_is_there() -> None:
    own = PAGE[PAGE.index("Our own refusals") : PAGE.index("PostgreSQL's own")]
    listed = {name for names, _ in ROW.findall(own) for name in re.findall(r"`(\w+)`", names)}
    assert listed == codes.of_sql()
    for code, status in rows("REST"):
        if code.startswith("PT"):
            assert status == int(code[2:])


def test_every_code_of_nginx_is_there_with_its_status() -> None:
    assert rows("nginx") == codes.of_nginx()


def test_the_search_finds_codes() -> None:
    assert {("empty_batch", 422), ("invalid_credentials", 401), ("unavailable", 503)} <= codes.of_workers()
    assert {"unknown_meter", "unknown_region", "binary_frame"} <= codes.of_frames()
    assert {"PT401", "PT404", "22023"} <= codes.of_sql()
