"""The frames of the WebSocket protocol ``segs.v1``: what a client may send, what it is sent.

Every protocol error is answered with an error frame of the platform's one error shape; the socket stays.
"""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from workers.relay.cursor import Cursor
from workers.relay.scope import TOPIC_FAMILIES, TOPICS

SUBPROTOCOL = "segs.v1"
BEARER_PREFIX = "bearer."

Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class CloseCode(IntEnum):
    """Why the relay closed a connection."""

    GOING_AWAY = 1001
    POLICY = 1008
    TOO_BIG = 1009
    TRY_AGAIN = 1013
    TOKEN_EXPIRED = 4401
    ACCESS_WITHDRAWN = 4403
    SILENT = 4408
    TOO_MANY_FRAMES = 4429


class ProtocolError(Exception):
    """Something a client sent cannot be served; becomes one error frame."""

    def __init__(self, code: str, message: str, details: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.hint = hint

    def text(self) -> str:
        """The error frame."""
        return frame("error", code=self.code, message=self.message, details=self.details, hint=self.hint)


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Subscribe(_Frame):
    """Hear events from now on, or after ``cursor``. Replaces the subscription before it."""

    type: Literal["subscribe"]
    topics: list[str] | None = Field(default=None, max_length=50)
    regions: list[Code] | None = Field(default=None, max_length=500)
    meters: list[Code] | None = Field(default=None, max_length=500)
    cursor: str | None = None

    @field_validator("topics")
    @classmethod
    def _known_topics(cls, topics: list[str] | None) -> list[str] | None:
        for topic in topics or ():
            if topic not in TOPICS and topic not in TOPIC_FAMILIES:
                raise ValueError(f"no such topic: {topic[:80]}")
        return topics


class Unsubscribe(_Frame):
    """Hear no more events; the connection stays."""

    type: Literal["unsubscribe"]


class Ping(_Frame):
    """Answered with pong and the current cursor."""

    type: Literal["ping"]


ClientFrame = Subscribe | Unsubscribe | Ping
_CLIENT_FRAME: TypeAdapter[ClientFrame] = TypeAdapter(Annotated[ClientFrame, Field(discriminator="type")])
_TYPES_HINT = 'a frame is a JSON object with "type": "subscribe", "unsubscribe" or "ping"'


def parse(text: str) -> ClientFrame:
    """The client's frame; raises :class:`ProtocolError` saying what is wrong with it."""
    try:
        return _CLIENT_FRAME.validate_json(text)
    except ValidationError as error:
        raise _as_protocol_error(error) from error


def frame(kind: str, /, **fields: Any) -> str:
    """A server frame as JSON text."""
    return json.dumps({"type": kind, **fields}, separators=(",", ":"))


def welcome(cursor: Cursor) -> str:
    """The first frame: where the log stands."""
    return frame("welcome", cursor=cursor.encode())


def subscribed(cursor: Cursor, request: Subscribe) -> str:
    """The subscription is in force; events follow from ``cursor`` on."""
    return frame(
        "subscribed",
        cursor=cursor.encode(),
        topics=request.topics or [],
        regions=request.regions or [],
        meters=request.meters or [],
    )


def gap(cursor: Cursor, reason: str, message: str) -> str:
    """Events before ``cursor`` may be missing; those that follow it are complete again."""
    return frame("gap", cursor=cursor.encode(), reason=reason, message=message)


def _as_protocol_error(error: ValidationError) -> ProtocolError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    kind = first["type"]
    if kind == "json_invalid":
        return ProtocolError(
            "malformed_json", "the frame is not valid JSON", details=first["msg"], hint=_TYPES_HINT
        )
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return ProtocolError("unknown_type", "no such frame type", hint=_TYPES_HINT)
    where = ".".join(str(part) for part in first["loc"][1:])
    message = first["msg"].removeprefix("Value error, ")
    return ProtocolError("invalid_frame", f"{where}: {message}" if where else message, hint=_TYPES_HINT)
