"""``python -m workers.auth``."""

from __future__ import annotations

import sys

from workers.auth.app import run
from workers.auth.settings import AuthSettings
from workers.lib import service

if __name__ == "__main__":
    sys.exit(service.main(AuthSettings, run))
