"""What is locked is what is installed, whatever the registry has in the meantime."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.bootstrap import CHECKOUT, LOCKED, refusal


def _wheel(folder: Path, name: str, version: str, *metadata: str) -> Path:
    """A package of nothing but its name, version and what it asks for."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata, ""]
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "\n".join(lines))
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def _locked(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def test_a_release_newer_than_the_lock_is_left_alone(tmp_path: Path) -> None:
    asks = _wheel(tmp_path, "segs_asks", "1.0", "Requires-Dist: segs_asked[more]>=1.0")
    asked = _wheel(tmp_path, "segs_asked", "1.0", "Provides-Extra: more")
    _wheel(tmp_path, "segs_asked", "1.1", "Provides-Extra: more")
    lock = tmp_path / "requirements.lock"
    lock.write_text(_locked(asks) + _locked(asked), encoding="utf-8")
    target = tmp_path / "installed"

    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--no-index"]
    where = ["--find-links", str(tmp_path), "--target", str(target)]
    result = subprocess.run([*pip, *where, *LOCKED, str(lock)], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
    installed = {path.name for path in target.glob("*.dist-info")}
    assert installed == {"segs_asks-1.0.dist-info", "segs_asked-1.0.dist-info"}


def has(*programs: str) -> Callable[[str], str | None]:
    return lambda program: f"/usr/bin/{program}" if program in programs else None


@pytest.mark.parametrize("machine", ["aarch64", "armv7l", "riscv64"])
def test_another_processor_is_refused_in_one_sentence_with_the_way_round(machine: str) -> None:
    reason = refusal(machine, has("apt-get"), {})
    assert reason is not None
    assert machine in reason
    assert "docker compose up" in reason
    assert "\n" not in reason


def test_a_machine_without_apt_is_refused_before_anything_is_installed() -> None:
    reason = refusal("x86_64", has(), {})
    assert reason is not None
    assert "docker compose up" in reason
    assert "SEGS_DATABASE_URL" in reason
    assert refusal("x86_64", has(), {"SEGS_DATABASE_URL": "postgresql://db.example/segs"}) is None
    assert refusal("x86_64", has("mmdebstrap"), {}) is None


def test_the_set_up_stops_there(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "stack.bootstrap"],
        env={"PATH": str(tmp_path)}, cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode != 0
    assert "has no apt-get" in result.stderr + result.stdout
