from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.relay.cursor import Cursor, MalformedCursorError


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**63 - 1))
def test_a_cursor_survives_the_journey(epoch: int, xid: int, event: int) -> None:
    cursor = Cursor(epoch, (xid, event))
    text = cursor.encode()
    assert Cursor.decode(text) == cursor
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_padding_is_optional() -> None:
    padded = base64.urlsafe_b64encode(b"1.2.34").decode()
    assert Cursor.decode(padded) == Cursor.decode(padded.rstrip("=")) == Cursor(1, (2, 34))


@pytest.mark.parametrize(
    "plain",
    [b"", b"1", b"1.2", b"1.2.3.4", b"-1.2.3", b"1.2.x", b"1. 2.3", b"1.2.3\n", b"\xff\xfe", b"9" * 60],
)
def test_what_is_not_a_cursor(plain: bytes) -> None:
    with pytest.raises(MalformedCursorError):
        Cursor.decode(base64.urlsafe_b64encode(plain).decode())


@given(st.text(max_size=120))
def test_any_text_is_a_cursor_or_malformed(text: str) -> None:
    with contextlib.suppress(MalformedCursorError):
        Cursor.decode(text)


def test_positions_compare_in_log_order() -> None:
    assert (9, 5) < (10, 1) < (10, 2)
