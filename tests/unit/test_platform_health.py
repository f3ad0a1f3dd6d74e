from __future__ import annotations

import json

import pytest

from workers.lib.platform_health import parse_peers, platform_answer

OWN = {"live": True, "ready": True, "postgresql": "ok", "redis": "away"}


def test_ready_when_this_worker_and_every_peer_are() -> None:
    answer = platform_answer(OWN, {"relay": True, "rest": True})
    assert answer.status == 200
    assert json.loads(answer.body) == {**OWN, "ingest": "ok", "relay": "ok", "rest": "ok"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ready", "peers", "away"), [(False, {"relay": True}, "ingest"), (True, {"relay": False}, "relay")]
)
def test_says_what_is_away(ready: bool, peers: dict[str, bool], away: str) -> None:
    answer = platform_answer({**OWN, "ready": ready}, peers)
    report = json.loads(answer.body)  # type: ignore[arg-type]
    assert (answer.status, report["ready"], report[away]) == (503, False, "away")


def test_peers_are_names_and_addresses() -> None:
    assert parse_peers("") == {}
    assert parse_peers("a=http://h:1/x  b=http://h:2/y=z") == {"a": "http://h:1/x", "b": "http://h:2/y=z"}
    for wrong in ("a", "=http://h/", "a=h:1", "a=http://h b"):
        with pytest.raises(ValueError, match="is not NAME="):
            parse_peers(wrong)
