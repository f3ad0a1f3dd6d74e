"""Request bodies: JSON object, bare array or newline-delimited JSON, plain or gzip, within a size.

JSON is read strictly first. A body that strict JSON refuses is read once more with the leniency that lets one
bad reading (NaN, 1e999, a stray byte) be rejected by itself; only a body without structure is malformed.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

import orjson
from aiohttp import web

from workers.errors import BadRequest, PayloadTooLarge, Unprocessable, UnsupportedMediaType

JSON = "application/json"
NDJSON = frozenset({"application/x-ndjson", "application/ndjson"})
GZIP = frozenset({"gzip", "x-gzip"})

# Digits of an integer beyond which it is infinite as a double.
_MAX_INTEGER_DIGITS = 309


class Malformed:
    """Stands for a line that is not JSON: a value that no reading can be."""


MALFORMED = Malformed()


async def read_items(request: web.Request, *, max_bytes: int, max_readings: int) -> list[Any]:
    """The readings of the request as unchecked JSON values, at least one."""
    lines = _is_ndjson(request.headers.get("Content-Type"))
    encoding = request.headers.get("Content-Encoding")
    compressed = _is_gzip(encoding) if encoding else False
    try:
        data = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise _too_large(max_bytes) from None
    if compressed:
        data = gunzip(data, max_bytes)
    items = parse_lines(data) if lines else parse_document(data)
    if not items:
        raise Unprocessable("the batch holds no readings", code="empty_batch")
    if len(items) > max_readings:
        raise PayloadTooLarge(
            f"the batch holds {len(items)} readings",
            code="too_many_readings",
            hint=f"at most {max_readings} a request",
        )
    return items


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
