"""Logging: one line a record, plain for people or JSON for collectors, on standard error."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from workers.settings import WorkerSettings


class LineFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.123Z INFO workers.ingest.writer: message``, tracebacks folded into the line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        return f"{_time(record)} {record.levelname} {record.name}: {_fold(_text(self, record))}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Keys: at, level, logger, message, and traceback if there is one."""
        entry = {
            "at": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def configure(settings: WorkerSettings) -> None:
    """Send every logger of the process through one handler."""
    install(settings.log_level, settings.log_format)


def install(level: str, style: Literal["plain", "json"]) -> None:
    """The handler behind :func:`configure`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else LineFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _time(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _text(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info:
        text += "\n" + formatter.formatException(record.exc_info)
    return text


def _fold(text: str) -> str:
    return text.strip().replace("\r", "").replace("\n", " | ")
