"""A copy of the checkout that docker compose brings up, and ways to look into it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segs import compose_secrets
from stack.paths import CHECKOUT
from stack.servers import free_port
from tests.containers.engine import Engine, compose_program

OVERRIDE = """\
# Builds reach the package registries as this machine does.
services:
{services}
"""
BUILT = ("postgres", "migrate", "postgrest", "ingest", "relay", "auth", "notifier", "edge")


@dataclass
class Deployment:
    """compose.yaml on a port of its own, under a project name of its own."""

    engine: Engine
    checkout: Path
    port: int = field(default_factory=free_port)

    @property
    def project(self) -> str:
        return f"segs-test-{os.getpid()}"

    @property
    def url(self) -> str:
        """The one origin."""
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``docker compose`` on the project."""
        command = [
            compose_program(),
            "--project-name",
            self.project,
            "-f",
            "compose.yaml",
            "-f",
            "override.yaml",
        ]
        environment = self.engine.environment(SEGS_EDGE_PORT=str(self.port), SEGS_PUBLIC_ORIGIN=self.url)
        result = subprocess.run(
            [*command, *arguments],
            cwd=self.checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and result.returncode != 0:
            raise AssertionError(
                f"docker compose {' '.join(arguments)} failed:\n{result.stdout[-2000:]}\n"
                f"{result.stderr[-4000:]}\n{self.logs()}"
            )
        return result

    def logs(self) -> str:
        """The last that each service said."""
        return self.compose("logs", "--no-color", "--tail", "40", check=False).stdout[-20000:]

    def states(self) -> dict[str, dict[str, Any]]:
        """What the engine says of each service's container."""
        ids = self.compose("ps", "--all", "--quiet").stdout.split()
        found = json.loads(self.engine.run("docker", "inspect", *ids).stdout)
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}

    def inside(self, service: str, *command: str) -> str:
        """What a command in a running container prints."""
        return self.compose("exec", "--no-TTY", service, *command).stdout

    def mails(self, address: str) -> list[str]:
        """The text of each mail to an address, newest first."""
        listed = self._mail_server("messages")["messages"]
        ids = [mail["ID"] for mail in listed if [to["Address"] for to in mail["To"]] == [address]]
        return [str(self._mail_server(f"message/{each}")["Text"]) for each in ids]

    def _mail_server(self, page: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:8025/api/v1/{page}"
        found: dict[str, Any] = json.loads(self.inside("mailpit", "wget", "-qO-", url))
        return found

    @contextmanager
    def running(self) -> Iterator[Deployment]:
        """Build and bring up from nothing; leave nothing behind."""
        self._copy_checkout()
        try:
            self.compose("build", "--quiet")
            self.compose("up", "--detach", "--wait", "--wait-timeout", "600")
            yield self
        finally:
            self.compose("down", "--volumes", "--timeout", "20", check=False)
            shutil.rmtree(self.checkout, ignore_errors=True)

    def _copy_checkout(self) -> None:
        """What git tracks, or would: builds must need nothing else."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=CHECKOUT, capture_output=True, check=True,
        ).stdout  # fmt: skip
        for name in filter(None, listed.decode().split("\0")):
            if (CHECKOUT / name).is_file():
                (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, self.checkout / name)
        services = "\n".join(f"  {name}: {{ build: {{ network: host }} }}" for name in BUILT)
        (self.checkout / "override.yaml").write_text(OVERRIDE.format(services=services), encoding="utf-8")
        compose_secrets.write(self.checkout / "deploy/secrets")
