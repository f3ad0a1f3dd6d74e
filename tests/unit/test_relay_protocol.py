from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.relay.protocol import Ping, ProtocolError, Subscribe, Unsubscribe, parse


def test_frames_a_client_may_send() -> None:
    assert isinstance(parse('{"type":"ping"}'), Ping)
    assert isinstance(parse('{"type":"unsubscribe"}'), Unsubscribe)
    frame = parse('{"type":"subscribe","topics":["alert","load.closed"],"regions":["north"],"cursor":"x"}')
    assert frame == Subscribe(
        type="subscribe", topics=["alert", "load.closed"], regions=["north"], meters=None, cursor="x"
    )
    assert parse('{"type":"subscribe","topics":null}') == Subscribe(type="subscribe")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "malformed_json"),
        ("{", "malformed_json"),
        ("[" * 5000, "malformed_json"),
        ("null", "invalid_frame"),
        ("{}", "unknown_type"),
        ('{"type":1}', "unknown_type"),
        ('{"type":"publish"}', "unknown_type"),
        ('{"type":"subscribe","topics":["weather"]}', "invalid_frame"),
        ('{"type":"subscribe","topics":[1]}', "invalid_frame"),
        ('{"type":"subscribe","regions":[""]}', "invalid_frame"),
        ('{"type":"subscribe","cursor":7}', "invalid_frame"),
        ('{"type":"ping","x":1}', "invalid_frame"),
    ],
)
def test_frames_a_client_may_not_send(text: str, code: str) -> None:
    with pytest.raises(ProtocolError) as refusal:
        parse(text)
    frame = json.loads(refusal.value.text())
    assert frame["code"] == code
    assert set(frame) == {"type", "code", "message", "details", "hint"}


@given(st.text())
def test_any_text_is_a_frame_or_a_protocol_error(text: str) -> None:
    try:
        parse(text)
    except ProtocolError as error:
        json.loads(error.text())
