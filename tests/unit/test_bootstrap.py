"""What is locked is what is installed, whatever the registry has in the meantime."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from stack.bootstrap import LOCKED


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
