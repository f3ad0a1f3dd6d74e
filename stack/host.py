"""What the host must offer: two Debian packages, installed here when we may, and its own apt sources."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from stack.progress import SetupError, say

INSTEAD = (
    "Without that, run the platform with `docker compose up` (compose.yaml), or point SEGS_DATABASE_URL at "
    "an existing server and have redis-server and nginx on PATH."
)
# program -> Debian package
HOST_PROGRAMS = {"mmdebstrap": "mmdebstrap", "bwrap": "bubblewrap"}


def ensure_host_programs() -> None:
    """Install what building and entering the runtime needs, or say in one sentence what to do instead."""
    missing = [package for program, package in HOST_PROGRAMS.items() if shutil.which(program) is None]
    if os.geteuid() != 0 and shutil.which("newuidmap") is None:
        missing.append("uidmap")
    if missing:
        install(missing)


def install(missing: list[str]) -> None:
    """Install Debian packages on this machine."""
    if shutil.which("apt-get") is None:
        raise SetupError(
            f"this machine has no apt-get, from which SEGS would take {_and(missing)}. {INSTEAD}"
        )
    if os.geteuid() != 0:
        raise SetupError(
            f"please run `sudo apt-get install {' '.join(missing)}` once, then this again. {INSTEAD}"
        )
    say(f"installing {_and(missing)} with apt-get ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing],
    ):
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        # a third-party source that fails to update is no reason to stop: the install decides
        if result.returncode != 0 and "install" in command:
            raise SetupError(f"`{' '.join(command)}` failed: {result.stderr.strip()[-500:]} {INSTEAD}")


def debian_sources(suite: str, etc: Path = Path("/etc")) -> str:
    """This machine's own Debian sources with the suite replaced by ``suite``, in deb822 form.

    Whatever mirror, proxy or snapshot the machine was given is thereby used, and none is written down here.
    """
    codename = _host_codename(etc)
    stanzas: list[str] = []
    for path in sorted((etc / "apt" / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            stanzas += _from_deb822(stanza, codename, suite)
    lists = [etc / "apt" / "sources.list", *sorted((etc / "apt" / "sources.list.d").glob("*.list"))]
    for path in lists:
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                stanzas += _from_one_line(line, codename, suite)
    if not stanzas:
        raise SetupError(
            f"found no Debian package source in {etc / 'apt'} to build the runtime from. {INSTEAD}"
        )
    return "\n".join(dict.fromkeys(stanzas))


def _host_codename(etc: Path) -> str:
    values: dict[str, str] = {}
    release = etc / "os-release"
    if release.exists():
        for line in release.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            values[key] = value.strip('"')
    if values.get("ID") != "debian" or not values.get("VERSION_CODENAME"):
        raise SetupError(
            f"the local runtime is built from Debian's packages, and this is not Debian. {INSTEAD}"
        )
    return values["VERSION_CODENAME"]


def _new_suite(old: str, codename: str, suite: str) -> str | None:
    """``bookworm-security`` -> ``trixie-security``; None for what is not a suite of Debian's own archive."""
    match = re.fullmatch(rf"(?:{re.escape(codename)}|stable|oldstable)(|-updates|[-/]security|/updates)", old)
    if match is None:
        return None
    ending = {"/security": "-security", "/updates": "-security"}.get(match[1], match[1])
    return suite + ending


def _from_deb822(stanza: str, codename: str, suite: str) -> list[str]:
    lines = [line for line in stanza.splitlines() if line.strip() and not line.startswith("#")]
    fields: dict[str, str] = {}
    key = ""
    for line in lines:
        if line[0].isspace():
            fields[key] += "\n" + line
        else:
            key, _, value = line.partition(":")
            fields[key.strip().lower()] = value.strip()
            key = key.strip().lower()
    if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
        return []
    suites = [new for old in fields.get("suites", "").split() if (new := _new_suite(old, codename, suite))]
    if not suites or "main" not in fields.get("components", "").split():
        return []
    fields |= {"types": "deb", "suites": " ".join(suites), "components": "main"}
    return ["".join(f"{name.title()}: {value}\n" for name, value in fields.items())]


def _from_one_line(line: str, codename: str, suite: str) -> list[str]:
    match = re.fullmatch(
        r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<rest>.+)", line.strip()
    )
    if match is None or "main" not in match["rest"].split():
        return []
    new = _new_suite(match["suite"], codename, suite)
    if new is None:
        return []
    stanza = f"Types: deb\nUris: {match['uri']}\nSuites: {new}\nComponents: main\n"
    for option in (match["options"] or "").split():
        name, _, value = option.partition("=")
        if name in ("signed-by", "trusted"):
            stanza += f"{name.title()}: {value}\n"
    return [stanza]


def _and(words: list[str]) -> str:
    return " and ".join(words)
