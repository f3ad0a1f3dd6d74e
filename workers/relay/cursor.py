"""Where a client stands in the event log.

Events are ordered by ``(xid, id)``: the transaction that wrote them, then the order inside it. A cursor is
that position together with the log's epoch, as opaque text. PostgreSQL makes the same text in
``event.cursor``.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

Position = tuple[int, int]
"""``(xid, id)`` of an event; compares in log order."""

MAX_LENGTH = 100
_PATTERN = re.compile(rb"(\d{1,10})\.(\d{1,20})\.(\d{1,19})")
_MAX_EPOCH = 2**31 - 1
_MAX_XID = 2**64 - 1
_MAX_ID = 2**63 - 1


class MalformedCursorError(ValueError):
    """The text is not a cursor that this platform made."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in the log of one epoch (an epoch ends when a database is restored from a backup)."""

    epoch: int
    position: Position

    def encode(self) -> str:
        """The text a client sees: base64url of ``epoch.xid.id`` without padding."""
        xid, event_id = self.position
        plain = f"{self.epoch}.{xid}.{event_id}".encode()
        return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """The cursor a client gave back; raises :class:`MalformedCursorError`."""
        if not 0 < len(text) <= MAX_LENGTH or not text.isascii():
            raise MalformedCursorError(text[:MAX_LENGTH])
        padded = text.rstrip("=")
        try:
            plain = base64.b64decode(padded + "=" * (-len(padded) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedCursorError(text) from error
        match = _PATTERN.fullmatch(plain)
        if match is None:
            raise MalformedCursorError(text)
        epoch, xid, event_id = (int(part) for part in match.groups())
        if epoch > _MAX_EPOCH or xid > _MAX_XID or event_id > _MAX_ID:
            raise MalformedCursorError(text)
        return cls(epoch, (xid, event_id))
