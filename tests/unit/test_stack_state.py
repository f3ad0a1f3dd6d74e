"""The state of a stack: claimed once, asked by anybody at any moment, told when there is room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stack import state
from stack.paths import CHECKOUT, DataDir
from stack.progress import SetupError

ASK = """
import sys
from stack import state
from stack.paths import DataDir
data = DataDir.at(sys.argv[1])
print("asking", flush=True)
while True:
    state.is_running(data)
"""
HOLD = """
import sys
from stack import state
from stack.paths import DataDir
with state.claim(DataDir.at(sys.argv[1])):
    print("holds", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir.at(tmp_path)


def start(script: str, data: DataDir) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(data.path)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def test_asking_never_keeps_a_stack_from_starting(data: DataDir) -> None:
    """However often, and at whatever moment: `segs status` in a loop, beside starts."""
    data.create()
    askers = [start(ASK, data) for _ in range(2)]
    try:
        for _ in range(3000):
            with state.claim(data):
                pass
    finally:
        for asker in askers:
            asker.kill()
            asker.communicate()


def test_one_stack_a_folder(data: DataDir) -> None:
    assert not state.is_running(data)
    holder = start(HOLD, data)
    assert state.is_running(data)
    with pytest.raises(SetupError, match="already runs"), state.claim(data):
        pass
    assert state.is_running(data)  # the refused one has taken nothing away
    holder.communicate("")
    assert not state.is_running(data)
    with state.claim(data):
        pass


def test_a_killed_holder_holds_no_longer(data: DataDir) -> None:
    holder = start(HOLD, data)
    holder.kill()
    holder.communicate()
    with state.claim(data):
        pass


def test_the_state_says_which_processes_are_gone(data: DataDir) -> None:
    holder = start(HOLD, data)
    try:
        ended = subprocess.Popen(["true"])
        ended.wait()
        services = [
            {"name": "here", "pid": holder.pid, "state": "healthy"},
            {"name": "gone", "pid": ended.pid, "state": "healthy"},
            {"name": "done", "pid": None, "state": "done"},
        ]
        state.write(data, {"services": services})
        assert [s["state"] for s in state.read(data)["services"]] == ["healthy", "gone", "done"]
    finally:
        holder.communicate("")
