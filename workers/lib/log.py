"""Logging: one line a record, plain for people or JSON for collectors, on standard error."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from workers.lib import request_id
from workers.lib.settings import WorkerSettings


class RequestIdFilter(logging.Filter):
    """Notes in each record which request it belongs to (see :mod:`workers.lib.request_id`)."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record through."""
        record.request_id = request_id.current.get()
        return True


class LineFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.123Z INFO workers.ingest.writer [request id]: message``, tracebacks folded in."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        request = f" [{known}]" if (known := _request_id(record)) else ""
        return f"{_time(record)} {record.levelname} {record.name}{request}: {_fold(_text(self, record))}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Keys: at, level, logger, message; request_id and traceback if there is one."""
        entry = {
            "at": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if known := _request_id(record):
            entry["request_id"] = known
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def configure(settings: WorkerSettings) -> None:
    """Send every logger of the process through one handler."""
    install(settings.log_level, settings.log_format)


def install(level: str, style: Literal["plain", "json"]) -> None:
    """The handler behind :func:`configure`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(JsonFormatter() if style == "json" else LineFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _request_id(record: logging.LogRecord) -> str:
    return str(getattr(record, "request_id", ""))


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
