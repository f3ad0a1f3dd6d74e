"""No test dies of a busy machine: every deadline goes through one factor (tests/support/wait.py)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stack.paths import CHECKOUT
from tests.support import wait

# The containers' own programs take their deadlines as words.
FILES = [
    path
    for path in sorted((CHECKOUT / "tests").rglob("*.py"))
    if "containers" not in path.parts and path.name not in ("test_patience.py", "test_relay_listen.py")
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_deadline_is_a_patient_one(path: Path) -> None:
    text = re.sub(r"wait_until(_async)?\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", "", path.read_text("utf-8"))
    found = re.findall(r"\b(?:socket_)?(?:timeout|total)=\d[\d.]*[,)]", text)
    assert [word for word in found if word not in ALLOWED.get(path.name, ())] == []


ALLOWED = {
    "test_ingest_recent.py": ("timeout=1)",),  # of a Redis that is not there
    "servers.py": ("socket_timeout=5)",),  # tried again until a deadline
}


def test_waiting_is_as_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "PATIENCE", 0.5)
    with pytest.raises(wait.DeadlineExceeded, match=r"not within 0\.1 s"):
        wait.wait_until(lambda: False, timeout=0.2)
