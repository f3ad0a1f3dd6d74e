from __future__ import annotations

import json
import logging
import sys

import pytest

from workers.log import JsonFormatter, LineFormatter


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
