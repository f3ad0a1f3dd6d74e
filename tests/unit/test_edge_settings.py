from __future__ import annotations

import pytest

from stack import edge
from stack.progress import SetupError


def test_origins_are_the_platforms_own_and_those_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGS_EDGE_ALLOWED_ORIGINS", " https://a.example/ ,https://b.example")
    assert edge.allowed_origins("http://own") == "http://own,https://a.example,https://b.example"
    monkeypatch.delenv("SEGS_EDGE_ALLOWED_ORIGINS")
    assert edge.allowed_origins("") == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEGS_EDGE_API_RATE", "0"),
        ("SEGS_EDGE_USER_BURST", "many"),
        ("SEGS_EDGE_HSTS", 'max-age=1"; return 200'),
        ("SEGS_EDGE_TRUSTED_PROXY", "10.0.0.1; deny all"),
        ("SEGS_EDGE_ALLOWED_ORIGINS", "https://a.example|https://b.example"),
    ],
)
def test_what_would_not_be_a_setting_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SetupError, match=name):
        edge.settings()


def test_hsts_may_have_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGS_EDGE_HSTS", "max-age=1; includeSubDomains")
    assert edge.settings()["SEGS_EDGE_HSTS"] == "max-age=1; includeSubDomains"


def test_health_asks_the_parts_that_there_are() -> None:
    assert edge.health_peers({"relay": "h:1", "postgrest_admin": "h:2", "redis": "h:3"}) == (
        "relay=http://h:1/health rest=http://h:2/ready"
    )
