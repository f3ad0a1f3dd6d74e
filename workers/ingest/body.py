"""Request bodies: JSON object, bare array or newline-delimited JSON, plain or gzip, within a size.

A body that holds nothing but readings is decoded into them at once. Any other is read as JSON of any kind,
strictly first. What strict JSON refuses is read once more with the leniency that lets one bad reading (NaN,
1e999, a stray byte) be rejected by itself; only a body without structure is malformed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec
import orjson
from aiohttp import web

from workers.errors import BadRequest, PayloadTooLarge, Unprocessable, UnsupportedMediaType
from workers.ingest.readings import MALFORMED, Reading, shape

JSON = "application/json"
NDJSON = frozenset({"application/x-ndjson", "application/ndjson"})
GZIP = frozenset({"gzip", "x-gzip"})

# Digits of an integer beyond which it is infinite as a double.
_MAX_INTEGER_DIGITS = 309


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    readings: list[Reading]


_DOCUMENT = msgspec.json.Decoder(list[Reading] | _Document)
_LINE = msgspec.json.Decoder(Reading)


class Batch:
    """The readings of one request, and what was sent."""

    def __init__(self, data: bytes, *, lines: bool) -> None:
        self._data = data
        self._lines = lines
        self._good = decode(data, lines=lines)

    def __len__(self) -> int:
        return len(self.items if self._good is None else self._good)

    def readings(self) -> Sequence[Reading | None]:
        """What was sent, as readings; None stands for what is none."""
        return shape(self.items) if self._good is None else self._good

    @cached_property
    def items(self) -> list[Any]:
        """What was sent, as unchecked JSON values."""
        return parse_lines(self._data) if self._lines else parse_document(self._data)


async def read_batch(request: web.Request, *, max_bytes: int, max_readings: int) -> Batch:
    """The readings of the request, at least one."""
    lines = _is_ndjson(request.headers.get("Content-Type"))
    encoding = request.headers.get("Content-Encoding")
    compressed = _is_gzip(encoding) if encoding else False
    try:
        data = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise _too_large(max_bytes) from None
    if compressed:
        data = gunzip(data, max_bytes)
    batch = Batch(data, lines=lines)
    count = len(batch)
    if not count:
        raise Unprocessable("the batch holds no readings", code="empty_batch")
    if count > max_readings:
        raise PayloadTooLarge(
            f"the batch holds {count} readings",
            code="too_many_readings",
            hint=f"at most {max_readings} a request",
        )
    return batch


def decode(data: bytes, *, lines: bool) -> list[Reading] | None:
    """The readings of a body in which every one is of the right shape; else None.

    What this takes, :func:`parse_document` or :func:`parse_lines` and :func:`shape` take as the same.
    """
    try:
        if lines:
            return [_LINE.decode(text) for line in data.split(b"\n") if (text := line.strip())]
        document = _DOCUMENT.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return document.readings if isinstance(document, _Document) else document


def parse_document(data: bytes) -> list[Any]:
    """The readings of ``{"readings": [...]}`` or of a bare array."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        document = parse_leniently(data)
        if document is MALFORMED:
            raise BadRequest("the body is not JSON", code="malformed_json", details=str(error)) from None
    if isinstance(document, dict) and document.keys() == {"readings"}:
        document = document["readings"]
    if isinstance(document, list):
        return document
    raise Unprocessable(
        "the body is not a batch of readings",
        code="invalid_batch",
        hint='send {"readings": [...]} or a bare array',
    )


def parse_lines(data: bytes) -> list[Any]:
    """One reading a line; blank lines do not count. A line that is not JSON becomes :data:`MALFORMED`."""
    items = []
    for line in data.split(b"\n"):
        if text := line.strip():
            try:
                items.append(orjson.loads(text))
            except orjson.JSONDecodeError:
                items.append(parse_leniently(text))
    return items


def parse_leniently(data: bytes) -> Any:
    """JSON that may hold NaN, infinities, huge numbers, lone surrogates and stray bytes; else MALFORMED.

    Stray bytes become lone surrogates, which no string check accepts.
    """
    try:
        return json.loads(data.decode("utf-8", "surrogateescape"), parse_int=_integer)
    except (ValueError, RecursionError):
        return MALFORMED


def gunzip(data: bytes, limit: int) -> bytes:
    """Decompress, never holding more than ``limit`` bytes."""
    parts = []
    left = limit
    while data:
        stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            part = stream.decompress(data, left + 1)
        except zlib.error as error:
            raise BadRequest("the body is not gzip", code="malformed_gzip", details=str(error)) from None
        if len(part) > left:
            raise _too_large(limit)
        if not stream.eof:
            raise BadRequest("the gzip body is cut short", code="malformed_gzip")
        parts.append(part)
        left -= len(part)
        data = stream.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else float(digits)


def _is_ndjson(content_type: str | None) -> bool:
    if content_type == JSON:
        return False
    kind, _, parameters = (content_type or "").partition(";")
    kind = kind.strip().lower()
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if charset in ("", "utf-8", "utf8"):
        if kind == JSON:
            return False
        if kind in NDJSON:
            return True
    raise UnsupportedMediaType(
        f"cannot read content type {content_type!r}" if content_type else "the content type is missing",
        hint="application/json or application/x-ndjson, in UTF-8",
    )


def _is_gzip(encoding: str) -> bool:
    name = encoding.strip().lower()
    if name in GZIP:
        return True
    if name == "identity":
        return False
    raise UnsupportedMediaType(f"cannot read content encoding {encoding!r}", hint="gzip or none")


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge("the body is too large", hint=f"at most {limit} bytes, also after decompression")
