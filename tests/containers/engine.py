"""A container engine for tests: the one that DOCKER_HOST names, or Debian's, unpacked into the user's cache.

Debian's engine is started as root on a socket of its own, without touching the machine's packet filter or any
bridge that is there, and stopped with everything it made.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack import host
from stack.paths import cache_dir
from stack.runtime import _building
from tests.support.wait import wait_until

PACKAGES = ("docker.io", "containerd", "runc", "tini")


@dataclass(frozen=True)
class Engine:
    """A running engine, and the programs that speak to it."""

    host: str
    programs: str
    """What its programs need on PATH."""

    def run(self, *command: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Run ``docker ...`` or another program against the engine; raise with its words if it fails."""
        result = subprocess.run(command, env=self.environment(), capture_output=True, text=True, **options)  # type: ignore[call-overload]
        if result.returncode != 0:
            raise AssertionError(
                f"{' '.join(command)} failed:\n{result.stdout[-3000:]}\n{result.stderr[-6000:]}"
            )
        return result  # type: ignore[no-any-return]

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a program that speaks to the engine."""
        path = f"{self.programs}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "DOCKER_HOST": self.host, "PATH": path, **more}


def compose_program() -> str:
    """The docker compose program that the tests carry."""
    package = importlib.util.find_spec("compose")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).with_name("docker-compose"))


@contextmanager
def running() -> Iterator[Engine]:
    """The engine to test with."""
    if given := os.environ.get("DOCKER_HOST"):
        yield Engine(given, "")
        return
    with _own() as engine:
        yield engine


def _unpacked() -> Path:
    """Debian's packages of an engine, unpacked."""
    if shutil.which("iptables") is None:  # each container's own resolver is set up with it
        host.install(["iptables"])
    subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=False)
    policy = subprocess.run(
        ["apt-cache", "policy", *PACKAGES], capture_output=True, text=True, check=True
    ).stdout
    versions = [line.strip() for line in policy.splitlines() if "Candidate:" in line]
    target = cache_dir() / f"engine-{hashlib.sha256(' '.join(versions).encode()).hexdigest()[:16]}"
    if target.is_dir():
        return target
    with _building(target) as scratch:
        if scratch is not None:
            packages = scratch / "packages"
            packages.mkdir()
            subprocess.run(
                ["apt-get", "download", "-q", *PACKAGES], cwd=packages, check=True, capture_output=True
            )
            for package in packages.glob("*.deb"):
                subprocess.run(["dpkg", "-x", str(package), str(scratch)], check=True)
            shutil.rmtree(packages)
            init = scratch / "usr/bin/docker-init"  # a link to where tini would be installed
            init.unlink(missing_ok=True)
            init.symlink_to("tini-static")
    return target


@contextmanager
def _own() -> Iterator[Engine]:
    root = _unpacked()
    programs = f"{root}/usr/sbin{os.pathsep}{root}/usr/bin"
    data = cache_dir() / "engine-data"  # kept: base images are made once
    data.mkdir(parents=True, exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix="segs-engine-"))
    engine = Engine(f"unix://{run}/docker.sock", programs)
    with (run / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [
                f"{root}/usr/sbin/dockerd", "--data-root", str(data), "--exec-root", str(run / "exec"),
                "--pidfile", str(run / "pid"), "-H", engine.host, "--iptables=false", "--ip6tables=false",
                "--ip-forward=false", "--bridge=none", "--storage-driver", "overlay2",
            ],
            env=engine.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_until(lambda: _answers(engine, daemon, run / "log"), "the container engine answers", timeout=120)
        yield engine
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(120)
        finally:
            daemon.kill()
            daemon.wait()
    shutil.rmtree(run, ignore_errors=True)


def _answers(engine: Engine, daemon: subprocess.Popen[bytes], log: Path) -> bool:
    if daemon.poll() is not None:
        raise AssertionError(f"the container engine ended:\n{log.read_text(errors='replace')[-3000:]}")
    probe = subprocess.run(["docker", "info"], env=engine.environment(), capture_output=True, check=False)
    return probe.returncode == 0
