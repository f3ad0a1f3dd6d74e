"""Local images under the names of the upstream ones, for machines without a container registry.

Each is a Debian trixie root with what the upstream image offers to SEGS; the Dockerfiles of SEGS build on
them unchanged. Where the upstream image is there already, it is used.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

from stack import host
from stack.paths import CHECKOUT
from stack.runtime import SUITE, Runtime
from tests.containers.engine import Engine

IMAGES = Path(__file__).parent / "images"
ROOT = "segs-test/trixie"
LABEL = "segs.test.stands-in"
PACKAGES = (
    "ca-certificates",
    "gettext-base",
    "nginx-light",
    "postgresql-17",
    "postgresql-17-cron",
    "postgresql-17-timescaledb",
    "python3",
    "python3-aiosmtpd",
    "python3-venv",
    "redis-server",
    "wget",
)
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


def upstream_names() -> dict[str, str]:
    """The images that SEGS builds on or runs as they are, by the folder of ``images`` that stands in."""
    text = "\n".join(path.read_text() for path in (CHECKOUT / "deploy").glob("*/Dockerfile"))
    named = set(re.findall(r"^FROM (\S*[:/]\S*)", text, re.MULTILINE))
    named |= set(re.findall(r"^\s+image: (\S+:\S+)$", (CHECKOUT / "compose.yaml").read_text(), re.MULTILINE))
    found = {}
    for name in named:
        repository = name.split(":")[0].split("/")[-1]
        folder = next((path.name for path in IMAGES.iterdir() if repository.startswith(path.name)), None)
        assert folder is not None, f"nothing in {IMAGES} stands in for {name}"
        found[folder] = name
    return found


def ensure(engine: Engine, runtime: Runtime) -> None:
    """Make what is missing."""
    root = _root(engine)
    for folder, name in upstream_names().items():
        made_from = _made_from(engine, name)
        if made_from is not None and made_from in ("", _fingerprint(root, folder)):
            continue  # the upstream image itself, or what this would make again
        context = IMAGES / folder
        if folder == "node":  # Node.js of the checkout's environment, which no Debian of this age has
            context = runtime.node.parent.parent
        engine.run(
            "docker", "build", "--network", "host", "--quiet", "--tag", name,
            "--label", f"{LABEL}={_fingerprint(root, folder)}",
            "--file", str(IMAGES / folder / "Dockerfile"), str(context),
        )  # fmt: skip


def _fingerprint(root: str, folder: str) -> str:
    parts = [root.encode(), *(path.read_bytes() for path in sorted((IMAGES / folder).iterdir()))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def _made_from(engine: Engine, name: str) -> str | None:
    """The fingerprint of a stand-in; empty for an image that is none; None where there is no such image."""
    wanted = f'{{{{index .Config.Labels "{LABEL}"}}}}'
    command = ["docker", "image", "inspect", "--format", wanted, name]
    found = subprocess.run(command, env=engine.environment(), capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else None


def _there(engine: Engine, name: str) -> bool:
    command = ["docker", "image", "inspect", name]
    return subprocess.run(command, env=engine.environment(), capture_output=True, check=False).returncode == 0


def _root(engine: Engine) -> str:
    """The Debian root as an image; its tag names what it is made of."""
    key = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:12]
    name = f"{ROOT}:{key}"
    if not _there(engine, name):
        make = ["mmdebstrap", "--mode=root" if os.geteuid() == 0 else "--mode=unshare", "--variant=minbase"]
        make += [f"--include={','.join(PACKAGES)}", "--dpkgopt=path-exclude=/usr/share/doc/*"]
        if AUTHORITIES.exists():  # builds fetch packages over this machine's way out
            copy = f'cat {AUTHORITIES} > "$1{AUTHORITIES}"'
            make += [f"--customize-hook={copy}"]
        make += ["--format=tar", SUITE, "-", "-"]
        settings = [
            f"ENV PIP_CERT={AUTHORITIES} SSL_CERT_FILE={AUTHORITIES} NODE_EXTRA_CA_CERTS={AUTHORITIES}"
        ]
        changes = [part for setting in settings for part in ("--change", setting)]
        maker = subprocess.Popen(
            make, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert maker.stdin is not None
        maker.stdin.write(host.debian_sources(SUITE).encode())
        maker.stdin.close()
        subprocess.run(
            ["docker", "import", *changes, "-", name],
            stdin=maker.stdout, env=engine.environment(), check=True, capture_output=True,
        )  # fmt: skip
        assert maker.wait() == 0, "mmdebstrap could not make the root of the stand-ins"
    engine.run("docker", "tag", name, ROOT)
    return name
