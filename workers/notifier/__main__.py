"""``python -m workers.notifier``."""

from __future__ import annotations

import sys

from workers.lib import service
from workers.notifier.app import run
from workers.notifier.settings import NotifierSettings

if __name__ == "__main__":
    sys.exit(service.main(NotifierSettings, run))
