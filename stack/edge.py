"""What nginx is told: the settings of the edge, and the configuration written from the one template."""

from __future__ import annotations

import filecmp
import os
import resource
import shutil
import string
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from stack.paths import CHECKOUT
from stack.progress import SetupError
from stack.runtime import Runtime
from stack.secrets import write_private

TEMPLATE = CHECKOUT / "deploy" / "nginx" / "segs.conf.template"
REFERENCE = CHECKOUT / "deploy" / "reference"
SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-16x16.png", "favicon-32x32.png")
MAX_LOG_BYTES = 10_000_000
NUMBERS = ("_RATE", "_BURST", "_AT_ONCE", "_SOCKETS")
"""How the names of limits end."""
MAX_CONNECTIONS = 32768
"""Of one nginx process (deploy/nginx/nginx.conf has the same): more than one address can open to us."""
NOWHERE = "127.0.0.1:9"
"""Stands for a service that is not there: nothing listens on the discard port."""


def settings(own_origins: str = "") -> dict[str, str]:
    """The settings of the edge (docs/reference/settings.md), as the template wants them."""
    found = {
        "SEGS_EDGE_ALLOWED_ORIGINS": allowed_origins(own_origins),
        # "unix:" trusts nobody who comes over the network
        "SEGS_EDGE_TRUSTED_PROXY": os.environ.get("SEGS_EDGE_TRUSTED_PROXY", "unix:"),
        "SEGS_EDGE_HSTS": os.environ.get("SEGS_EDGE_HSTS", "max-age=31536000"),
        "SEGS_EDGE_TELEMETRY_RATE": os.environ.get("SEGS_EDGE_TELEMETRY_RATE", "5000"),
        "SEGS_EDGE_TELEMETRY_BURST": os.environ.get("SEGS_EDGE_TELEMETRY_BURST", "10000"),
        "SEGS_EDGE_API_RATE": os.environ.get("SEGS_EDGE_API_RATE", "200"),
        "SEGS_EDGE_API_BURST": os.environ.get("SEGS_EDGE_API_BURST", "1000"),
        "SEGS_EDGE_USER_RATE": os.environ.get("SEGS_EDGE_USER_RATE", "20"),
        "SEGS_EDGE_USER_BURST": os.environ.get("SEGS_EDGE_USER_BURST", "100"),
        "SEGS_EDGE_TELEMETRY_AT_ONCE": os.environ.get("SEGS_EDGE_TELEMETRY_AT_ONCE", "1000"),
        "SEGS_EDGE_DEVICE_AT_ONCE": os.environ.get("SEGS_EDGE_DEVICE_AT_ONCE", "256"),
        "SEGS_EDGE_API_AT_ONCE": os.environ.get("SEGS_EDGE_API_AT_ONCE", "200"),
        "SEGS_EDGE_ACCOUNT_AT_ONCE": os.environ.get("SEGS_EDGE_ACCOUNT_AT_ONCE", "8"),
        "SEGS_EDGE_SOCKETS": os.environ.get("SEGS_EDGE_SOCKETS", "1000"),
    }
    for name, value in found.items():
        number = value.isascii() and value.isdigit() and int(value)
        if name.endswith(NUMBERS) and not number:
            raise SetupError(f"{name} must be a whole number above 0, not {value!r}")
        refused = "\"'{}|\\$\n" if name == "SEGS_EDGE_HSTS" else "\"'{};|\\$\n"
        if set(value) & set(refused):
            raise SetupError(f"{name} holds a character that no such setting can: {value!r}")
    return found


def allowed_origins(own: str) -> str:
    """Origins whose pages may speak to the platform: its own, and those of SEGS_EDGE_ALLOWED_ORIGINS."""
    listed = f"{own},{os.environ.get('SEGS_EDGE_ALLOWED_ORIGINS', '')}".split(",")
    return ",".join(origin.strip().rstrip("/") for origin in listed if origin.strip())


def health_peers(upstreams: Mapping[str, str]) -> str:
    """SEGS_INGEST_HEALTH_PEERS for these services (the names of :func:`stack.servers.nginx`)."""
    peers = {"relay": ("relay", "health"), "rest": ("postgrest_admin", "ready"), "auth": ("auth", "health")}
    return " ".join(
        f"{name}=http://{upstreams[service]}/{page}"
        for name, (service, page) in peers.items()
        if service in upstreams
    )


def write_config(
    runtime: Runtime, directory: Path, listen: str, upstreams: Mapping[str, str], values: Mapping[str, str]
) -> Path:
    """Write nginx's configuration and what it serves into ``directory``; returns the configuration file.

    ``values``: see :func:`settings`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    services = {"auth": NOWHERE, **upstreams}
    names = {f"SEGS_{name.upper()}_UPSTREAM": where for name, where in services.items()}
    names |= {
        "SEGS_EDGE_LISTEN": listen,
        "SEGS_EDGE_CACHE": str(directory / "cache"),
        "SEGS_EDGE_DOCS": str(copy_reference(runtime, directory / "docs")),
        "SEGS_ACCESS_LOG": f"{access_log(directory)} segs",
        **values,
    }
    site = string.Template(TEMPLATE.read_text(encoding="utf-8")).safe_substitute(names)
    temporary = "\n".join(
        f"    {kind}_temp_path {directory / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    files = min(2 * MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    config = directory / "nginx.conf"
    write_private(
        config,
        f"""# Written at every start from {TEMPLATE.name}.
daemon off;
worker_processes 2;
pid {directory / "nginx.pid"};
worker_rlimit_nofile {files};
events {{ worker_connections {min(MAX_CONNECTIONS, files - 256)}; }}
http {{
{temporary}
{site}
}}
""",
    )
    return config


def copy_reference(runtime: Runtime, target: Path) -> Path:
    """The API reference page and Swagger UI in one folder, which nginx can see."""
    target.mkdir(parents=True, exist_ok=True)
    sources = [path for path in REFERENCE.iterdir() if path.is_file()] if REFERENCE.is_dir() else []
    sources += [runtime.node_modules / "swagger-ui-dist" / name for name in SWAGGER_FILES]
    for source in sources:
        copy = target / source.name
        with suppress(FileNotFoundError):
            if not (copy.exists() and filecmp.cmp(source, copy, shallow=False)):
                shutil.copyfile(source, copy)
    return target


def access_log(directory: Path) -> Path:
    """One line a request, with its id."""
    return directory / "access.log"


def rotate_access_log(directory: Path) -> None:
    """Keep the access log small: its lines go to ``access.log.1`` (nginx appends, so it need not be told)."""
    log = access_log(directory)
    with suppress(OSError):  # no room for the copy, say: nginx answers all the same
        if log.stat().st_size > MAX_LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)
