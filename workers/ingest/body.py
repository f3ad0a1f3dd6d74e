"""Request bodies: JSON object, bare array or newline-delimited JSON, plain or gzip, within a size.

A body that holds nothing but readings is decoded into them at once. Any other is read as JSON of any kind,
strictly first. What strict JSON refuses is read once more with the leniency that lets one bad reading (NaN,
1e999, a stray byte) be rejected by itself; only a body without structure is malformed.

What a body may cost is bounded before it is parsed: its bytes, the members of its gzip, its lines, and the
values in it. Counting bytes costs next to nothing; a value costs a microsecond, a line that is no JSON ten.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import orjson
from aiohttp import web

from workers.ingest.readings import MALFORMED, Reading, shape
from workers.lib.errors import BadRequest, PayloadTooLarge, Unprocessable, UnsupportedMediaType

JSON = "application/json"
NDJSON = frozenset({"application/x-ndjson", "application/ndjson"})
GZIP = frozenset({"gzip", "x-gzip"})

# Digits of an integer beyond which it is infinite as a double.
_MAX_INTEGER_DIGITS = 309

LARGE = 64 * 1024
LARGE_COMPRESSED = 1024
"""Bytes from which a body is read outside the event loop; compressed ones may grow a thousand times."""
VALUES_A_READING = 16
"""Commas and opening brackets of a body, for every reading that it may hold: one has five."""
LINES_A_READING = 2
"""Lines, for every reading that a body may hold: some may be blank."""
MAX_MEMBERS = 1000
"""Members of one gzip body."""
PIECE = 16 * 1024
"""How much is given to a decompressor at once: what a member leaves over is copied."""


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


@dataclass(frozen=True, slots=True)
class Body:
    """What a request brings, not looked into yet."""

    data: bytes
    lines: bool
    compressed: bool

    @property
    def large(self) -> bool:
        """Whether reading it takes so long that others should not wait for it."""
        return len(self.data) > (LARGE_COMPRESSED if self.compressed else LARGE)


async def read_body(request: web.Request, *, max_bytes: int) -> Body:
    """The body of the request."""
    lines = _is_ndjson(request.headers.get("Content-Type"))
    encoding = request.headers.get("Content-Encoding")
    compressed = _is_gzip(encoding) if encoding else False
    try:
        data = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise _too_large(max_bytes) from None
    return Body(data, lines, compressed)


def read_batch(body: Body, *, max_bytes: int, max_readings: int) -> Batch:
    """The readings of a body, at least one."""
    data = gunzip(body.data, max_bytes) if body.compressed else body.data
    if len(data) > LARGE:
        check_structure(data, lines=body.lines, max_readings=max_readings)
    batch = Batch(data, lines=body.lines)
    count = len(batch)
    if not count:
        raise Unprocessable("the batch holds no readings", code="empty_batch")
    if count > max_readings:
        raise _too_many(f"the batch holds {count} readings", max_readings)
    return batch


def check_structure(data: bytes, *, lines: bool, max_readings: int) -> None:
    """Refuse a body that cannot be a batch of so many readings, by what it takes no parsing to see."""
    if sum(map(data.count, (b",", b"[", b"{"))) > VALUES_A_READING * max_readings:
        raise _too_many(f"the body holds more values than {max_readings} readings have", max_readings)
    if not lines:
        return
    if data.count(b"\n") > LINES_A_READING * max_readings:
        raise _too_many("the body holds too many lines", max_readings)
    if (count := sum(not line.isspace() for line in data.split(b"\n") if line)) > max_readings:
        raise _too_many(f"the batch holds {count} readings", max_readings)


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
    parts: list[bytes] = []
    size = members = at = 0
    while at < len(data):
        members += 1
        if members > MAX_MEMBERS:
            raise BadRequest(f"the gzip body has more than {MAX_MEMBERS} members", code="malformed_gzip")
        stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
        while not stream.eof:
            piece = data[at : at + PIECE]
            if not piece:
                raise BadRequest("the gzip body is cut short", code="malformed_gzip")
            try:
                parts.append(stream.decompress(piece, limit - size + 1))
            except zlib.error as error:
                raise BadRequest("the body is not gzip", code="malformed_gzip", details=str(error)) from None
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
            at += len(piece) - len(stream.unused_data) - len(stream.unconsumed_tail)
        at = _after_zeros(data, at)
    return b"".join(parts)


def _after_zeros(data: bytes, at: int) -> int:
    """Where the zeros end that pad a member."""
    while piece := data[at : at + PIECE]:
        rest = len(piece.lstrip(b"\0"))
        at += len(piece) - rest
        if rest:
            break
    return at


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


def _too_many(message: str, limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(message, code="too_many_readings", hint=f"at most {limit} readings a request")


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge("the body is too large", hint=f"at most {limit} bytes, also after decompression")
