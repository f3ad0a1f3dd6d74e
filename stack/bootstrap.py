"""Makes ``.venv`` from the lock files: ``python3 -m stack.bootstrap [dev]``. Standard library only.

A stamp in the environment holds the hash of what it was made from, so a second call does nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
OLDEST = (3, 11)
# The lock names every package, so pip has nothing to work out. Where it does, a package asked for with an
# extra (coverage[toml], locked as coverage) is taken in its newest version, which no hash is known of.
LOCKED = ("--require-hashes", "--no-deps", "-r")
MACHINES = ("x86_64",)


def main(arguments: list[str]) -> int:
    """Bring the environment up to date; returns the exit status."""
    if reason := refusal(platform.machine(), shutil.which, os.environ):
        return _fail(reason)
    if sys.version_info < OLDEST:
        return _fail(
            f"Python 3.11 or newer is needed, not {sys.version.split()[0]}. Choose another: make PYTHON=..."
        )
    development = CHECKOUT / "requirements-dev.lock"  # holds everything of requirements.lock too
    lock = development if "dev" in arguments else CHECKOUT / "requirements.lock"
    python = VENV / "bin" / "python"
    if python.exists() and any(_stamp(each) == _fingerprint(each) for each in {lock, development}):
        return 0
    if not _usable(python) and not (_venv_module() and _make_venv()):
        return 1
    _stamp_file(lock).unlink(missing_ok=True)
    if not _install(python, lock):
        return 1
    _stamp_file(lock).write_text(_fingerprint(lock), encoding="utf-8")
    return 0


def refusal(machine: str, which: Callable[[str], str | None], environment: Mapping[str, str]) -> str | None:
    """Why this machine cannot run SEGS, with the way round; None if it can."""
    if machine not in MACHINES:
        return (
            f"SEGS runs on x86-64, and this machine is {machine}: its PostgREST comes for x86-64 alone. Use"
            " such a machine, or containers that emulate one:"
            " DOCKER_DEFAULT_PLATFORM=linux/amd64 docker compose up (deploy/README.md)"
        )
    if which("apt-get") is None and which("mmdebstrap") is None and not environment.get("SEGS_DATABASE_URL"):
        return (
            "SEGS takes its servers from Debian's packages, and this machine has no apt-get. Run the platform"
            " with docker compose up (deploy/README.md), or point SEGS_DATABASE_URL at a server of your own"
            " and have redis-server and nginx on PATH"
        )
    return None


def _fingerprint(lock: Path) -> str:
    parts = [
        lock.read_bytes(),
        (CHECKOUT / "pyproject.toml").read_bytes(),
        str(CHECKOUT).encode(),
        sys.version.encode(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _stamp_file(lock: Path) -> Path:
    return VENV / f".made-from-{lock.stem}"


def _stamp(lock: Path) -> str:
    path = _stamp_file(lock)
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _usable(python: Path) -> bool:
    """Whether the environment is whole, and of this Python's version."""
    if not python.exists():
        return False
    probe = "import sys, pip; print(sys.version)"
    result = subprocess.run([str(python), "-c", probe], capture_output=True, text=True, check=False)
    return result.returncode == 0 and result.stdout.strip() == sys.version.strip()


def _venv_module() -> bool:
    """Debian ships venv apart from Python; install it if we may."""
    result = subprocess.run(
        [sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False
    )
    if result.returncode == 0:
        return True
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        _fail(
            "this Python has no venv module: please run `sudo apt-get install python3-venv`, then this again"
        )
        return False
    _say("installing python3-venv with apt-get ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], env=environment, capture_output=True, check=False)
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "python3-venv"]
    result = subprocess.run(command, env=environment, capture_output=True, check=False)
    if result.returncode != 0:
        _fail(f"`{' '.join(command)}` failed: {result.stderr.decode(errors='replace').strip()[-500:]}")
    return result.returncode == 0


def _make_venv() -> bool:
    _say("making .venv ...")
    shutil.rmtree(VENV, ignore_errors=True)
    return subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode == 0


def _install(python: Path, lock: Path) -> bool:
    total = len(re.findall(r"^[A-Za-z0-9]", lock.read_text(encoding="utf-8"), re.MULTILINE))
    _say(f"installing up to {total} Python packages from {lock.name} (once) ...")
    begun = time.monotonic()
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    install = [*pip, "install", "--progress-bar", "off", "--no-compile"]
    if not _pip([*install, *LOCKED, str(lock)], total):
        return False
    # "compat": the checkout itself is put on the path, so new packages are found without another install
    options = "--no-deps --no-build-isolation --config-settings editable_mode=compat -e"
    if not _pip([*install, *options.split(), str(CHECKOUT)], 0) or not _pip([*pip, "check"], 0):
        return False
    _say(f"Python packages are in .venv: done in {time.monotonic() - begun:.0f} s")
    return True


def _pip(command: list[str], total: int) -> bool:
    """Run pip, showing how far it is."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    done = 0
    kept: list[str] = []
    for line in process.stdout:
        kept = [*kept[-30:], line.rstrip()]
        if line.startswith("Collecting "):
            done += 1
            if done % 10 == 0:
                _say(f"  {done} of {total}: {line.split()[1].split('==')[0]}")
        elif line.startswith("Installing collected packages"):
            _say("  unpacking ...")
    if process.wait() != 0:
        _fail("pip failed:\n" + "\n".join(kept))
    return process.returncode == 0


def _say(text: str) -> None:
    print(f"segs: {text}", file=sys.stderr, flush=True)


def _fail(text: str) -> int:
    _say(text)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
