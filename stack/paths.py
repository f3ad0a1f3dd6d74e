"""Where things are: the checkout, the cache that checkouts share, and the data folder of one stack."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def cache_dir() -> Path:
    """The folder in which built runtimes are kept, shared by every checkout of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "segs"


def default_data_dir() -> Path:
    """``$SEGS_DATA``, else ``.segs`` in the checkout."""
    return Path(os.environ.get("SEGS_DATA") or CHECKOUT / ".segs")


@dataclass(frozen=True)
class DataDir:
    """The data folder of one stack. Everything in it is readable by its owner alone."""

    path: Path

    @classmethod
    def at(cls, path: str | Path | None) -> DataDir:
        """The data folder at ``path`` (default: :func:`default_data_dir`), as an absolute path."""
        return cls(Path(path if path is not None else default_data_dir()).expanduser().resolve())

    @property
    def postgres(self) -> Path:
        return self.path / "pg"

    @property
    def redis(self) -> Path:
        return self.path / "redis"

    @property
    def nginx(self) -> Path:
        return self.path / "nginx"

    @property
    def logs(self) -> Path:
        return self.path / "log"

    @property
    def mail(self) -> Path:
        return self.path / "mail"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def state_file(self) -> Path:
        return self.run / "state.json"

    def create(self) -> None:
        """Make the folders, private to this user."""
        for path in (self.path, self.logs, self.mail, self.run, self.secrets):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o700)
