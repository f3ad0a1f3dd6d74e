from __future__ import annotations

import json
import logging
import sys

import pytest

from workers.lib import request_id
from workers.lib.db import labelled
from workers.lib.log import JsonFormatter, LineFormatter, RequestIdFilter


def record(message: str, *, failed: bool = False) -> logging.LogRecord:
    info = None
    if failed:
        try:
            raise ValueError("first\nsecond")
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("workers.x", logging.WARNING, __file__, 1, message, (), info)


@pytest.mark.parametrize("formatter", [LineFormatter(), JsonFormatter()])
def test_a_record_is_one_line(formatter: logging.Formatter) -> None:
    text = formatter.format(record("several\r\nlines\n", failed=True))
    assert "\n" not in text
    assert "ValueError" in text


def test_json_lines_are_json() -> None:
    entry = json.loads(JsonFormatter().format(record('quote " and ü')))
    assert entry["message"] == 'quote " and ü'
    assert entry["level"] == "warning"
    assert entry["at"].endswith("Z")


def test_every_line_of_a_request_carries_its_id() -> None:
    token = request_id.current.set("4f1c")
    try:
        seen = record("answered")
        assert RequestIdFilter().filter(seen)
    finally:
        request_id.current.reset(token)
    assert "workers.x [4f1c]: answered" in LineFormatter().format(seen)
    assert json.loads(JsonFormatter().format(seen))["request_id"] == "4f1c"
    outside = record("elsewhere")
    RequestIdFilter().filter(outside)
    assert "workers.x: elsewhere" in LineFormatter().format(outside)
    assert "request_id" not in json.loads(JsonFormatter().format(outside))


def test_an_id_is_nothing_that_sql_or_a_log_minds() -> None:
    assert request_id.accepted("4f1C-17.a_b") == "4f1C-17.a_b"
    for odd in (None, "", "x" * 41, "a b", "a'b", "a\n", "ä"):
        assert request_id.accepted(odd) is None
    assert labelled("segs-ingest", "x" * 40 + " +12") == f"segs-ingest {'x' * 40} +12"
    assert len(labelled("segs-ingest", "x" * 99)) == 63
    assert labelled("segs-ingest", "") == "segs-ingest"
